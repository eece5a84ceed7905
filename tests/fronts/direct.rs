//! The same bytes without a front: what the node alone makes of them.

use crate::answers::{Answer, split};
use crate::cases::{Case, Direct};
use crate::marked;
use crate::support::Node;

/// Sends an attack and a marked request behind it. The node says as many answers as it counts requests,
/// and they are the ones that the case names.
pub(crate) fn attack(node: &Node, case: &Case) {
    let (attack, prey, last) = (marked::id('a'), marked::id('p'), marked::id('z'));
    let begun = node.meters().sum("requests");
    let mut raw = node.connect();
    raw.send(&[case.bytes(&attack, &prey), marked::request(&last, "Connection: close\r\n")].concat());
    let bytes = raw.until_close();
    let begun = node.meters().sum("requests") - begun;
    let (answers, rest) = split(&bytes, case.is_head());
    let told = format!("{}: {begun} requests, {}", case.what, String::from_utf8_lossy(&bytes));
    assert!(rest.is_empty(), "{told}");
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    let answered = |id: &str| answers.iter().filter(|answer| answer.echoes(id)).count();
    match case.direct {
        Direct::Refused(status) => assert_ends(&answers, status, begun, &told),
        Direct::Served(expected) => {
            assert_eq!(statuses, [expected, &[200]].concat(), "{told}");
            assert_eq!((answered(&last), begun), (1, statuses.len() as u64), "{told}");
        }
    }
    assert_eq!(answered(&prey), usize::from(case.prey), "{told}");
}

/// One refusal, and nothing else is said. Its head may have been in order, then it counts.
fn assert_ends(answers: &[Answer], status: u16, begun: u64, told: &str) {
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [status], "{told}");
    assert!(begun <= 1, "{told}");
}

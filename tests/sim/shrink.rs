//! Fewer requests that still fail: delta debugging over the list of all requests of a seed.

use crate::reference::show;
use crate::site::Session;

/// Which requests are kept: connection and place.
type Places = Vec<(usize, usize)>;

/// The requests that are left when no more can be taken out without `fails` turning false.
pub(crate) fn shrink(sessions: &[Session], fails: impl Fn(&[Session]) -> bool) -> Vec<Session> {
    let count = |session: &Session| 0..session.len();
    let mut kept: Places = sessions
        .iter()
        .enumerate()
        .flat_map(|(index, session)| count(session).map(move |place| (index, place)))
        .collect();
    let mut step = kept.len().div_ceil(2);
    while step > 0 {
        let mut at = 0;
        while at < kept.len() {
            let fewer: Places = [&kept[..at], &kept[(at + step).min(kept.len())..]].concat();
            match !fewer.is_empty() && fails(&pick(sessions, &fewer)) {
                true => kept = fewer,
                false => at += step,
            }
        }
        step = if step == 1 { 0 } else { step.div_ceil(2) };
    }
    pick(sessions, &kept)
}

fn pick(sessions: &[Session], places: &Places) -> Vec<Session> {
    let of = |index: usize, session: &Session| -> Session {
        let is_kept = |place: &usize| places.contains(&(index, *place));
        (0..session.len()).filter(is_kept).map(|place| session[place].clone()).collect()
    };
    let all = sessions.iter().enumerate().map(|(index, session)| of(index, session));
    all.filter(|session| !session.is_empty()).collect()
}

/// The requests, to be read.
pub(crate) fn tell(sessions: &[Session]) -> String {
    let session = |(index, session): (usize, &Session)| {
        let requests: Vec<String> = session.iter().map(|request| format!("    {}", show(request))).collect();
        format!("  connection {index}:\n{}", requests.join("\n"))
    };
    let all: Vec<String> = sessions.iter().enumerate().map(session).collect();
    all.join("\n")
}

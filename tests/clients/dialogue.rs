//! What a person types when a client asks.

use std::path::Path;

use crate::case::Case;
use crate::support::Finished;

/// Runs the client on a terminal in `folder`; `lines` are a part of each question and the answer to it.
///
/// Panics with all that was said when a question does not come.
pub(crate) fn hold(case: &Case, folder: &Path, args: &[&str], lines: &[(&str, &str)]) -> Finished {
    let mut running = case.sandbox.run_on_terminal(folder, args);
    for (question, answer) in lines {
        if !running.answer(question, &format!("{answer}\r")) {
            let finished = running.finish();
            panic!("was not asked {question:?}: {}", case.report(args, &finished));
        }
    }
    running.finish()
}

/// As `hold`, and expects the client to succeed.
pub(crate) fn hold_ok(case: &Case, folder: &Path, args: &[&str], lines: &[(&str, &str)]) -> Finished {
    let finished = hold(case, folder, args, lines);
    assert!(finished.is_success(), "{}", case.report(args, &finished));
    finished
}

//! One client against one registry: the steps, in order, and what failed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use crate::client::{Client, Family};
use crate::packages::Names;
use crate::registry::Registry;
use crate::sandbox::Sandbox;
use crate::support::Finished;
use crate::{login, manage, publish};

type Step = (&'static str, fn(&Case));

/// What a step works with.
pub(crate) struct Case {
    pub(crate) client: Client,
    pub(crate) registry: Rc<Registry>,
    pub(crate) sandbox: Sandbox,
    pub(crate) names: Rc<Names>,
}

/// Goes through all that `client` can do, on a node with `threads`.
pub(crate) fn run(client: Client, threads: usize) {
    let registry = Rc::new(Registry::start(threads));
    let sandbox = Sandbox::new(client, registry.url(), Some(registry.token()));
    let case = Case { client, registry, sandbox, names: Rc::new(Names::new(client.name(), threads)) };
    publish::everything(&case);
    let failures: Vec<String> = steps(client.family()).iter().filter_map(|step| case.attempt(step)).collect();
    assert!(
        failures.is_empty(),
        "{} step(s) failed\n\n{}\n--- the node said\n{}",
        failures.len(),
        failures.join("\n\n"),
        case.registry.output()
    );
    case.registry.stop();
}

/// The steps after publishing; those that take packages away come last.
fn steps(family: Family) -> Vec<Step> {
    let install: Vec<Step> = vec![("install", publish::install_with_lockfile), ("view", manage::view)];
    let tags: Vec<Step> = vec![("dist-tag", manage::dist_tags)];
    let whoami: Vec<Step> = vec![("whoami", manage::whoami)];
    let rest: Vec<Step> = match family {
        Family::Bun => whoami,
        Family::Yarn1 => [tags, vec![("owner", manage::owners_yarn1), ("login", login::yarn1)]].concat(),
        Family::Yarn4 => [tags, whoami, vec![("login", login::yarn4)]].concat(),
        Family::Npm | Family::Pnpm => [tags, whoami, npm_only()].concat(),
    };
    [install, rest].concat()
}

fn npm_only() -> Vec<Step> {
    vec![
        ("owner", manage::owners),
        ("ping", manage::ping),
        ("search", manage::search),
        ("deprecate", manage::deprecate),
        ("login", login::npm),
        ("unpublish one version", manage::unpublish_version),
        ("unpublish whole package", manage::unpublish_package),
    ]
}

impl Case {
    /// The same in a fresh home, where the client knows the registry but no token.
    pub(crate) fn signed_out(&self) -> Case {
        let sandbox = Sandbox::new(self.client, self.registry.url(), None);
        Case { client: self.client, registry: self.registry.clone(), sandbox, names: self.names.clone() }
    }

    /// Runs the client in the home of the case and expects it to succeed.
    pub(crate) fn ok(&self, folder: &Path, args: &[&str]) -> Finished {
        let finished = self.sandbox.run(folder, args);
        assert!(finished.is_success(), "{}", self.report(args, &finished));
        finished
    }

    /// Runs the client and expects it to refuse.
    pub(crate) fn refused(&self, folder: &Path, args: &[&str]) -> Finished {
        let finished = self.sandbox.run(folder, args);
        let is_refused = finished.status.is_some_and(|status| !status.success());
        assert!(is_refused, "should have been refused: {}", self.report(args, &finished));
        finished
    }

    /// As `ok`, and expects `needle` in what it prints.
    pub(crate) fn says(&self, folder: &Path, args: &[&str], needle: &str) -> Finished {
        let finished = self.ok(folder, args);
        assert!(finished.stdout.contains(needle), "no {needle:?}: {}", self.report(args, &finished));
        finished
    }

    /// As `ok`, and expects `needle` to be absent from what it prints.
    pub(crate) fn says_no_more(&self, folder: &Path, args: &[&str], needle: &str) {
        let finished = self.ok(folder, args);
        assert!(!finished.stdout.contains(needle), "still {needle:?}: {}", self.report(args, &finished));
    }

    /// A command line and what came of it.
    pub(crate) fn report(&self, args: &[&str], finished: &Finished) -> String {
        format!("{} {}: {}", self.client.name(), args.join(" "), finished.report())
    }

    /// The failure of a step, if it fails.
    fn attempt(&self, (name, step): &Step) -> Option<String> {
        let begin = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| step(self)));
        eprintln!("{name}: {:.1} s", begin.elapsed().as_secs_f32());
        let payload = outcome.err()?;
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(|&text| text.to_owned()));
        Some(format!("step {name}: {}", text.unwrap_or_default()))
    }
}

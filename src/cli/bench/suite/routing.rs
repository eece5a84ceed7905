//! The router of a node, with all routes that it mounts.

use std::hint::black_box;

use super::{Batch, Bench, Category, Subject, TargetKey, mix};
use crate::app::{Found, Router};
use crate::settings::Settings;
use crate::wire::http1::Method;

const STATIC: [(Method, &str); 4] =
    [(Method::Get, "/-/ping"), (Method::Get, "/healthz"), (Method::Get, "/-/whoami"), (Method::Get, "/-/v1/search")];
const PACKAGE: [(Method, &str); 4] = [
    (Method::Get, "/lodash"),
    (Method::Get, "/@types%2fnode"),
    (Method::Get, "/@babel/core"),
    (Method::Put, "/left-pad"),
];
const DEEP: [(Method, &str); 4] = [
    (Method::Get, "/lodash/-/lodash-4.17.21.tgz"),
    (Method::Get, "/@babel/core/-/core-7.26.0.tgz"),
    (Method::Put, "/-/package/@types%2fnode/dist-tags/latest"),
    (Method::Delete, "/left-pad/-/left-pad-1.3.0.tgz/-rev/7-abc"),
];
const NOTHING: [(Method, &str); 4] = [
    (Method::Get, "/a/b/c/d/e"),
    (Method::Patch, "/lodash"),
    (Method::Options, "/-/ping"),
    (Method::Post, "/-/v1/search"),
];
/// How often a batch asks for each.
const TIMES: usize = 16;

pub(super) fn benches() -> Vec<Bench> {
    let bench = |name, about, target, make| Bench {
        category: Category::Routing,
        name,
        about,
        target,
        subject: Subject::Code { operations: (4 * TIMES) as u64, make },
    };
    let of_static = TargetKey::Nanoseconds(|targets| targets.routing_static_ns);
    let of_package = TargetKey::Nanoseconds(|targets| targets.routing_package_ns);
    vec![
        bench("routing_static", "paths without captures", Some(of_static), || find(STATIC)),
        bench("routing_package", "a packument, with scope and without", Some(of_package), || find(PACKAGE)),
        bench("routing_deep", "tarballs, tags, revisions: up to three captures", None, || find(DEEP)),
        bench("routing_nothing", "unknown paths, wrong methods, OPTIONS", None, || find(NOTHING)),
    ]
}

fn find(paths: [(Method, &'static str); 4]) -> Batch {
    let router: Router = crate::node::router(&Settings::default().npm, false);
    Box::new(move || {
        let mut sum = 0;
        for _ in 0..TIMES {
            for (method, path) in black_box(&paths) {
                sum = mix(sum, answer(&router.find(*method, path.as_bytes())));
            }
        }
        sum
    })
}

/// Which route it is and what it captured, as a number.
fn answer(found: &Found<'_, '_>) -> u64 {
    match found {
        Found::Route(route, params) => {
            let captured: usize = (0..params.len()).map(|index| params.at(index).len()).sum();
            (captured as u64) << 32 | (route.service as u64) << 16 | u64::from(route.id)
        }
        Found::WrongMethod(allow) => 1 << 60 | allow.len() as u64,
        Found::Options(allow) => 2 << 60 | allow.len() as u64,
        Found::Nothing => 3 << 60,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_finds_what_its_name_says() {
        let router = crate::node::router(&Settings::default().npm, false);
        let captures = |(method, path): (Method, &str)| match router.find(method, path.as_bytes()) {
            Found::Route(_, params) => Some(params.len()),
            _ => None,
        };
        assert_eq!(STATIC.map(captures), [Some(0); 4]);
        assert_eq!(PACKAGE.map(captures), [Some(1); 4]);
        assert_eq!(DEEP.map(captures), [Some(2), Some(2), Some(2), Some(3)]);
        assert_eq!(NOTHING.map(captures), [None; 4]);
    }
}

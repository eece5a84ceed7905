//! Paths to routes. Built once, shared by all threads, never locked.
//!
//! A pattern is made of segments: a literal, `{name}` (one segment), `{name:package}` (an npm
//! package name: one segment, or two when the first is a scope whose slash was sent as such), or at
//! the end `{name:rest}` (everything left). Literals win over captures, `{name:package}` over
//! `{name}`, both over `{name:rest}`.
//!
//! Captures are handed over as they were sent: whoever uses one decodes it, exactly once. So
//! `/@s%2fn`, `/@s%2Fn` and `/@s/n` are one package, and `/@s%252fn` is a name with a percent sign,
//! which nobody may have.

use std::collections::HashMap;
use std::sync::Arc;

use crate::app::literal_paths::LiteralPaths;
use crate::limits::{PARAMS_MAX, TARGET_BYTES_MAX};
use crate::wire::http1::Method;

/// What a route does with a request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyPolicy {
    /// None is wanted: a small one is read and dropped.
    Discard,
    /// Read whole, up to `[http] body_bytes`.
    Buffer,
    /// Handed to a sink as it comes, up to this many bytes.
    Stream {
        /// Longest body, in bytes of content (without chunk framing).
        max: u64,
    },
}

/// A route that matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Index of the service.
    pub service: usize,
    /// The service's own number for it.
    pub id: u16,
    /// What it does with a body.
    pub body: BodyPolicy,
    /// Open to everybody: the guards are not asked.
    pub open: bool,
    /// Served also while the node has no memory for more: see [`RouterBuilder::essential`].
    pub essential: bool,
}

/// A route as a service declares it.
#[derive(Debug, Clone)]
pub struct RouteSpec {
    /// The method; GET serves HEAD too.
    pub method: Method,
    /// The pattern.
    pub pattern: &'static str,
    /// The service's own number for it.
    pub id: u16,
    /// What it does with a body.
    pub body: BodyPolicy,
    /// Open to everybody: the guards are not asked.
    pub open: bool,
}

/// The captures of a match, in the order of the pattern, still percent-encoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Params<'p> {
    path: &'p [u8],
    /// Where each begins and ends in the path: paths are shorter than [`TARGET_BYTES_MAX`].
    spans: [(u16, u16); PARAMS_MAX],
    count: u8,
}

const _: () = assert!(TARGET_BYTES_MAX <= u16::MAX as usize && PARAMS_MAX <= u8::MAX as usize);

impl<'p> Params<'p> {
    fn none(path: &'p [u8]) -> Self {
        Self { path, ..Self::default() }
    }

    /// The capture of this position.
    #[inline]
    pub fn at(&self, index: usize) -> &'p [u8] {
        assert!(index < self.len(), "the pattern has no such capture");
        let (start, end) = self.spans[index];
        &self.path[usize::from(start)..usize::from(end)]
    }

    /// Those behind the first `count`.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn after(mut self, count: usize) -> Self {
        assert!(count <= self.len(), "the pattern has not so many captures");
        self.spans.copy_within(count.., 0);
        // What is left behind would tell equal captures apart.
        self.spans[PARAMS_MAX - count..].fill((0, 0));
        self.count -= count as u8;
        self
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn push(&mut self, start: usize, end: usize) {
        self.spans[self.len()] = (start as u16, end as u16);
        self.count += 1;
    }
}

/// What became of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'r, 'p> {
    /// A route.
    Route(Route, Params<'p>),
    /// The path is known, the method is not: the value of `Allow`.
    WrongMethod(&'r Arc<str>),
    /// OPTIONS on a known path: the value of `Allow`.
    Options(&'r Arc<str>),
    /// The path is not known.
    Nothing,
}

#[derive(Debug, Default)]
struct Node {
    literals: Vec<(Box<[u8]>, usize)>,
    package: Option<usize>,
    segment: Option<usize>,
    rest: Option<usize>,
    endpoint: Option<Endpoint>,
}

#[derive(Debug, Default)]
struct Endpoint {
    routes: HashMap<Method, Route>,
    get: Option<Route>,
    allow: Arc<str>,
}

/// The routes of a node.
#[derive(Debug)]
pub struct Router {
    nodes: Vec<Node>,
    literal: LiteralPaths,
    services: usize,
    fallback: Option<Route>,
}

/// Collects routes; see [`RouterBuilder::mount`].
#[derive(Debug)]
pub struct RouterBuilder {
    nodes: Vec<Node>,
    services: usize,
    fallback: Option<Route>,
}

impl RouterBuilder {
    /// No routes.
    pub fn new() -> Self {
        Self { nodes: vec![Node::default()], services: 0, fallback: None }
    }

    /// Adds the routes of the next service, under each of `prefixes` (`""` for the root, `/npm`).
    ///
    /// # Panics
    /// On two routes for one method and path, on more captures than a match can hold, and on a
    /// pattern that does not begin with a slash: mistakes of the program, found when it starts.
    pub fn mount(&mut self, prefixes: &[&str], specs: &[RouteSpec]) -> &mut Self {
        let service = self.services;
        self.services += 1;
        for prefix in prefixes {
            for spec in specs {
                let route = Route { service, id: spec.id, body: spec.body, open: spec.open, essential: false };
                self.add(&format!("{prefix}{}", spec.pattern), spec.method, route);
            }
        }
        self
    }

    /// Adds one more route of the service mounted last, with a pattern made at run time.
    ///
    /// # Panics
    /// As [`Self::mount`] does.
    pub fn route(&mut self, method: Method, pattern: &str, id: u16, body: BodyPolicy) -> &mut Self {
        let service = self.services.checked_sub(1).expect("a service was mounted");
        self.add(pattern, method, Route { service, id, body, open: true, essential: false });
        self
    }

    /// Serves all routes of the service mounted last also while the node has no memory for more. They
    /// must hold next to none.
    pub fn essential(&mut self) -> &mut Self {
        let service = self.services.checked_sub(1).expect("a service was mounted");
        for endpoint in self.nodes.iter_mut().filter_map(|node| node.endpoint.as_mut()) {
            let routes = endpoint.routes.values_mut().chain(&mut endpoint.get);
            routes.filter(|route| route.service == service).for_each(|route| route.essential = true);
        }
        self
    }

    /// Sends whatever no route fits to the service mounted last, as its route `id`, without its body.
    pub fn fall_back(&mut self, id: u16) -> &mut Self {
        let service = self.services.checked_sub(1).expect("a service was mounted");
        self.fallback = Some(Route { service, id, body: BodyPolicy::Discard, open: true, essential: false });
        self
    }

    fn add(&mut self, pattern: &str, method: Method, route: Route) {
        let path = pattern.strip_prefix('/').expect("a pattern begins with a slash");
        assert!(path.matches('{').count() <= PARAMS_MAX, "{pattern}: too many captures");
        let mut node = 0;
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            node = self.child(node, segment);
        }
        let endpoint = self.nodes[node].endpoint.get_or_insert_default();
        let taken = endpoint.routes.insert(method, route);
        assert!(taken.is_none(), "{pattern}: two routes for {}", method.as_str());
        if method == Method::Get {
            endpoint.get = Some(route);
        }
        endpoint.allow = allow(&endpoint.routes);
    }

    fn list_literals(&self, node: usize, path: &mut Vec<u8>, paths: &mut Vec<(Box<[u8]>, usize)>) {
        if self.nodes[node].endpoint.is_some() {
            paths.push((path.as_slice().into(), node));
        }
        for (segment, child) in &self.nodes[node].literals {
            let length = path.len();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(segment);
            self.list_literals(*child, path, paths);
            path.truncate(length);
        }
    }

    fn child(&mut self, node: usize, segment: &str) -> usize {
        let next = self.nodes.len();
        let slot = match segment.strip_prefix('{').and_then(|capture| capture.strip_suffix('}')) {
            None => {
                let literals = &mut self.nodes[node].literals;
                match literals.iter().find(|(literal, _)| **literal == *segment.as_bytes()) {
                    Some((_, index)) => return *index,
                    None => literals.push((segment.as_bytes().into(), next)),
                }
                self.nodes.push(Node::default());
                return next;
            }
            Some(capture) if capture.ends_with(":package") => &mut self.nodes[node].package,
            Some(capture) if capture.ends_with(":rest") => &mut self.nodes[node].rest,
            Some(_) => &mut self.nodes[node].segment,
        };
        if let Some(index) = *slot {
            return index;
        }
        *slot = Some(next);
        self.nodes.push(Node::default());
        next
    }

    /// The finished router.
    pub fn build(self) -> Router {
        let mut paths = Vec::new();
        self.list_literals(0, &mut Vec::new(), &mut paths);
        let literal = LiteralPaths::new(paths);
        Router { literal, nodes: self.nodes, services: self.services, fallback: self.fallback }
    }
}

impl Default for RouterBuilder {
    fn default() -> Self {
        Self::new()
    }
}

fn allow(routes: &HashMap<Method, Route>) -> Arc<str> {
    let order = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    let mut names: Vec<&str> = Vec::new();
    for method in order.into_iter().filter(|method| routes.contains_key(method)) {
        names.push(method.as_str());
        if method == Method::Get {
            names.push("HEAD");
        }
    }
    names.push("OPTIONS");
    names.join(", ").into()
}

impl Router {
    /// How many services the routes name.
    pub fn services(&self) -> usize {
        self.services
    }

    /// Where a request goes that no route fits, if not back with an error.
    pub fn fallback(&self) -> Option<Route> {
        self.fallback
    }

    /// Finds the route of `path`, which begins with a slash and has no query.
    #[inline(always)]
    pub fn find<'p>(&self, method: Method, path: &'p [u8]) -> Found<'_, 'p> {
        let Some(rest) = path.strip_prefix(b"/") else { return Found::Nothing };
        // One slash at the end is the same resource; more are not.
        let rest = match rest {
            [b'/'] => return Found::Nothing,
            [rest @ .., b'/'] => rest,
            _ => rest,
        };
        if rest.len() > TARGET_BYTES_MAX {
            return Found::Nothing;
        }
        let mut params = Params::none(rest);
        // Literals win over captures, so a path of literals alone is found without a walk.
        let found = match self.literal.find(rest) {
            Some(node) => self.nodes[node].endpoint.as_ref(),
            None => self.walk(0, start_of(rest), &mut params),
        };
        let Some(endpoint) = found else { return Found::Nothing };
        let route = match method {
            Method::Get | Method::Head => endpoint.get,
            Method::Options => return Found::Options(&endpoint.allow),
            other => endpoint.routes.get(&other).copied(),
        };
        match route {
            Some(route) => Found::Route(route, params),
            None => Found::WrongMethod(&endpoint.allow),
        }
    }

    /// Depth-first in the order of precedence from the segment at `at`; the depth is that of the
    /// longest pattern.
    fn walk(&self, node: usize, at: usize, params: &mut Params<'_>) -> Option<&Endpoint> {
        let node = &self.nodes[node];
        let path = params.path;
        if at > path.len() {
            return node.endpoint.as_ref();
        }
        let end = segment_end(path, at);
        let segment = &path[at..end];
        if let Some((_, child)) = node.literals.iter().find(|(literal, _)| **literal == *segment)
            && let Some(endpoint) = self.walk(*child, end + 1, params)
        {
            return Some(endpoint);
        }
        if let Some(child) = node.package
            && let Some(end) = package_end(path, at)
            && let Some(endpoint) = self.walk_past(child, at, end, params)
        {
            return Some(endpoint);
        }
        if let Some(child) = node.segment
            && !segment.is_empty()
            && let Some(endpoint) = self.walk_past(child, at, end, params)
        {
            return Some(endpoint);
        }
        match node.rest {
            Some(child) if at < path.len() => self.walk_past(child, at, path.len(), params),
            _ => None,
        }
    }

    /// The same behind a capture, which is kept if that leads somewhere.
    #[inline]
    fn walk_past(&self, child: usize, at: usize, end: usize, params: &mut Params<'_>) -> Option<&Endpoint> {
        let count = params.count;
        params.push(at, end);
        let endpoint = self.walk(child, end + 1, params);
        if endpoint.is_none() {
            params.count = count;
        }
        endpoint
    }
}

/// Where the first segment begins; past the end when there is none.
fn start_of(path: &[u8]) -> usize {
    usize::from(path.is_empty())
}

/// Where the segment that begins at `at` ends: at a slash, or with the path. Segments are short: a
/// plain loop beats the set-up of a vectorised search.
#[inline]
fn segment_end(path: &[u8], at: usize) -> usize {
    path[at..].iter().position(|&octet| octet == b'/').map_or(path.len(), |length| at + length)
}

/// Where the package name that begins at `at` ends. `-` is never a package: it is the segment all
/// registry routes begin with.
fn package_end(path: &[u8], at: usize) -> Option<usize> {
    let end = segment_end(path, at);
    let first = &path[at..end];
    if first.is_empty() || first == b"-" {
        return None;
    }
    let is_scope = (first[0] == b'@' || starts_with_escape(first, b"40")) && !has_slash_escape(first);
    if !is_scope || end == path.len() {
        return Some(end);
    }
    let second_end = segment_end(path, end + 1);
    let second = &path[end + 1..second_end];
    (!second.is_empty() && second != b"-").then_some(second_end)
}

fn starts_with_escape(segment: &[u8], hex: &[u8; 2]) -> bool {
    segment.len() >= 3 && segment[0] == b'%' && segment[1..3].eq_ignore_ascii_case(hex)
}

fn has_slash_escape(segment: &[u8]) -> bool {
    memchr::memchr_iter(b'%', segment).any(|at| starts_with_escape(&segment[at..], b"2f"))
}

/// Decodes percent-escapes once (RFC 3986 §2.1); `None` for an escape that is none, for NUL and for
/// what is not UTF-8.
pub fn decode(encoded: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    use std::borrow::Cow;
    // Captures are short: a plain loop beats the set-up of a vectorised search.
    if !encoded.iter().any(|octet| matches!(octet, b'%' | 0)) {
        return std::str::from_utf8(encoded).ok().map(Cow::Borrowed);
    }
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.iter();
    while let Some(&byte) = bytes.next() {
        let byte = if byte == b'%' { hex(*bytes.next()?)? << 4 | hex(*bytes.next()?)? } else { byte };
        if byte == 0 {
            return None;
        }
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(method: Method, pattern: &'static str, id: u16) -> RouteSpec {
        RouteSpec { method, pattern, id, body: BodyPolicy::Discard, open: false }
    }

    fn router() -> Router {
        let mut builder = RouterBuilder::new();
        builder.mount(
            &["", "/npm"],
            &[
                spec(Method::Get, "/-/ping", 1),
                spec(Method::Get, "/{pkg:package}", 2),
                spec(Method::Put, "/{pkg:package}", 3),
                spec(Method::Get, "/{pkg:package}/{version}", 4),
                spec(Method::Get, "/{pkg:package}/-/{file:rest}", 5),
                spec(Method::Delete, "/{pkg:package}/-/{file}/-rev/{rev}", 6),
                spec(Method::Put, "/{pkg:package}/-rev/{rev}", 7),
                spec(Method::Get, "/", 8),
                spec(Method::Get, "/-/package/{pkg:package}/dist-tags", 9),
            ],
        );
        builder.build()
    }

    fn find(method: Method, path: &str) -> String {
        match router().find(method, path.as_bytes()) {
            Found::Route(route, params) => (0..params.len())
                .map(|index| format!(" {}", String::from_utf8_lossy(params.at(index))))
                .fold(route.id.to_string(), |all, one| all + &one),
            Found::WrongMethod(allow) => format!("405 {allow}"),
            Found::Options(allow) => format!("204 {allow}"),
            Found::Nothing => "404".into(),
        }
    }

    #[test]
    fn a_package_is_found_however_its_slash_was_sent() {
        for path in ["/@s/n", "/@s%2fn", "/@s%2Fn", "/%40s%2fn", "/%40s/n", "/npm/@s/n"] {
            let expected = format!("2 {}", path.trim_start_matches("/npm").trim_start_matches('/'));
            assert_eq!(find(Method::Get, path), expected);
            assert_eq!(find(Method::Get, &format!("{path}/1.0.0")), expected.replacen('2', "4", 1) + " 1.0.0");
            assert_eq!(
                find(Method::Get, &format!("{path}/-/n-1.0.0.tgz")),
                expected.replacen('2', "5", 1) + " n-1.0.0.tgz"
            );
            assert_eq!(find(Method::Put, &format!("{path}/-rev/3-a")), expected.replacen('2', "7", 1) + " 3-a");
        }
    }

    #[test]
    fn an_escape_is_decoded_once() {
        assert_eq!(decode(b"@s%2fn").as_deref(), Some("@s/n"));
        assert_eq!(decode(b"@s%252fn").as_deref(), Some("@s%2fn"));
        assert_eq!(decode(b"%c3%a9").as_deref(), Some("é"));
        for bad in [b"%".as_slice(), b"%2", b"%zz", b"%00", b"a\0", b"%ff", b"%+1"] {
            assert_eq!(decode(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn literals_win_and_a_dash_is_no_package() {
        assert_eq!(find(Method::Get, "/-/ping"), "1");
        assert_eq!(find(Method::Get, "/-/package/@a%2fb/dist-tags"), "9 @a%2fb");
        assert_eq!(find(Method::Get, "/-/package/@a/b/dist-tags"), "9 @a/b");
        assert_eq!(find(Method::Get, "/-/nothing"), "404");
        assert_eq!(find(Method::Get, "/-"), "404");
        assert_eq!(find(Method::Get, "/@s/-/x"), "404");
        assert_eq!(find(Method::Get, "/npm"), "8");
        assert_eq!(find(Method::Get, "/"), "8");
    }

    #[test]
    fn one_slash_at_the_end_is_forgiven_and_empty_segments_are_not() {
        assert_eq!(find(Method::Get, "/a/"), "2 a");
        assert_eq!(find(Method::Get, "//a"), "404");
        assert_eq!(find(Method::Get, "//"), "404");
        assert_eq!(find(Method::Get, "/a//"), "404");
        assert_eq!(find(Method::Get, "/a//1.0.0"), "404");
        assert_eq!(find(Method::Get, "a"), "404");
    }

    #[test]
    fn captures_behind_others_are_what_they_would_be_alone() {
        let four = router_of("/{a}/{b}/{c}/{d}");
        for (count, path) in [(0, "/w/x/y/z"), (1, "/x/y/z"), (3, "/z"), (4, "/")] {
            let Found::Route(_, params) = four.find(Method::Get, b"/w/x/y/z") else { panic!("it is there") };
            let behind = params.after(count);
            let texts: Vec<&[u8]> = (0..behind.len()).map(|index| behind.at(index)).collect();
            assert_eq!(
                texts,
                path[1..].split('/').filter(|text| !text.is_empty()).map(str::as_bytes).collect::<Vec<_>>()
            );
        }
    }

    fn router_of(pattern: &'static str) -> Router {
        let mut builder = RouterBuilder::new();
        builder.mount(&[""], &[spec(Method::Get, pattern, 1)]);
        builder.build()
    }

    #[test]
    fn methods_are_told_when_they_are_wrong() {
        assert_eq!(find(Method::Head, "/a"), "2 a");
        assert_eq!(find(Method::Post, "/a"), "405 GET, HEAD, PUT, OPTIONS");
        assert_eq!(find(Method::Options, "/-/ping"), "204 GET, HEAD, OPTIONS");
        assert_eq!(find(Method::Get, "/a/-/f/-rev/1"), "405 DELETE, OPTIONS", "the longer pattern owns the path");
        assert_eq!(find(Method::Delete, "/a/-/f/-rev/1"), "6 a f 1");
    }

    #[test]
    fn a_route_made_at_run_time_belongs_to_the_service_mounted_last() {
        let mut builder = RouterBuilder::new();
        builder.mount(&[""], &[spec(Method::Get, "/a", 1)]).mount(&[""], &[]);
        let pattern = format!("/{}/{{id}}", "b");
        builder.route(Method::Post, &pattern, 7, BodyPolicy::Buffer);
        let router = builder.build();
        let Found::Route(route, params) = router.find(Method::Post, b"/b/5") else { panic!("it is there") };
        assert_eq!(route, Route { service: 1, id: 7, body: BodyPolicy::Buffer, open: true, essential: false });
        assert_eq!(params.at(0), b"5");
    }

    #[test]
    #[should_panic(expected = "two routes")]
    fn the_same_route_twice_is_a_mistake() {
        RouterBuilder::new().mount(&[""], &[spec(Method::Get, "/a", 1), spec(Method::Get, "/a", 2)]);
    }
}

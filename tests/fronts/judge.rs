//! Asks through a front, attacks through it, and compares what front and node make of it.

use std::time::{Duration, Instant};

use crate::answers::{Answer, split};
use crate::cases::Case;
use crate::front::Front;
use crate::marked;
use crate::support::{Node, Raw};

/// How long the front's log and the node's counts may take to agree.
const SETTLE: Duration = Duration::from_secs(5);
/// Long enough for an answer to a head, through a front and back.
const LATE: Duration = Duration::from_millis(30);
/// Other clients that ask at the same time after each attack: more than one of the kept connections is tried.
const OTHERS: usize = 3;

pub(crate) struct Judge<'t> {
    node: &'t Node,
    front: &'t Front,
    /// Requests the node had begun, and lines the front had written, when the two last agreed.
    begun: u64,
    logged: usize,
    /// Attacks behind which the marked request on the same connection was answered.
    survived: usize,
    attacks: usize,
    forwarded: usize,
}

impl<'t> Judge<'t> {
    pub(crate) fn new(node: &'t Node, front: &'t Front) -> Self {
        let (begun, logged) = (node.meters().sum("requests"), front.lines().len());
        Judge { node, front, begun, logged, survived: 0, attacks: 0, forwarded: 0 }
    }

    /// Requests of all shapes in one write, each answered in its place.
    pub(crate) fn pipelines(&mut self) {
        let mut raw = self.front.connect();
        let mut asked = Vec::new();
        for _ in 0..10 {
            let ids: Vec<String> = (0..20).map(|_| marked::id('n')).collect();
            let shape = |(number, id): (usize, &String)| match number % 2 {
                0 => marked::request(id, ""),
                _ => marked::chunked(id),
            };
            raw.send(&ids.iter().enumerate().map(shape).collect::<Vec<_>>().concat());
            for id in &ids {
                let answer = raw.final_response("POST");
                assert_eq!(answer.header("x-front-id"), Some(id.as_str()));
                assert_eq!((answer.status, answer.text()), (200, id.clone()));
            }
            asked.extend(ids);
        }
        self.assert_counts_agree("pipelines", &asked);
    }

    /// Large answers, HEAD of them and answers without a body keep the connections to the node in step.
    pub(crate) fn tarballs(&mut self) {
        let mut raw = self.front.connect();
        raw.send(b"GET /behind HTTP/1.1\r\nHost: front\r\n\r\n");
        let etag = raw.final_response("GET").header("etag").expect("a packument has an ETag").to_owned();
        let closed = self.node.meters().sum("closed");
        let mut asked = Vec::new();
        for _ in 0..5 {
            for method in ["GET", "HEAD"] {
                raw.send(format!("{method} /behind/-/behind-1.0.0.tgz HTTP/1.1\r\nHost: front\r\n\r\n").as_bytes());
                let answer = raw.final_response(method);
                let length: usize =
                    answer.header("content-length").and_then(|text| text.parse().ok()).expect("a length");
                assert_eq!((answer.status, length > 200_000), (200, true), "{answer:?}");
                assert_eq!(answer.body.len(), if method == "GET" { length } else { 0 });
                asked.push(assert_marked(&mut raw, "after a tarball"));
                raw.send(
                    format!("{method} /behind HTTP/1.1\r\nHost: front\r\nIf-None-Match: {etag}\r\n\r\n").as_bytes(),
                );
                assert_eq!(raw.final_response(method).status, 304);
                asked.push(assert_marked(&mut raw, "after a 304"));
            }
        }
        self.assert_counts_agree("tarballs", &asked);
        // A front gives a connection up when it finds bytes on it that belong to no answer.
        assert_eq!(self.node.meters().sum("closed"), closed, "{:?}", self.front.kind);
    }

    /// Many clients at once, who share few connections to the node.
    pub(crate) fn at_once(&mut self) {
        let front = self.front;
        let ask = move || {
            let mut raw = front.connect();
            (0..100).map(|_| assert_marked(&mut raw, "among many")).collect::<Vec<String>>()
        };
        let asked: Vec<String> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            clients.into_iter().flat_map(|client| client.join().expect("a client was not served")).collect()
        });
        self.assert_counts_agree("many clients", &asked);
    }

    /// One attack, with a marked request before it and one behind it, then the other clients. It comes at
    /// once, or what is behind its head comes late: perhaps after an answer that did not wait for it.
    pub(crate) fn attack(&mut self, case: &Case, is_late: bool) {
        let (attack, prey, last) = (marked::id('a'), marked::id('p'), marked::id('z'));
        let mut raw = self.front.connect();
        let mut asked = vec![assert_marked(&mut raw, case.what)];
        let bytes = [case.bytes(&attack, &prey), marked::request(&last, "Connection: close\r\n")].concat();
        let head_bytes = bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |at| at + 4);
        let (head, rest) = bytes.split_at(if is_late { head_bytes } else { 0 });
        raw.send(head);
        std::thread::sleep(if is_late { LATE } else { Duration::ZERO });
        raw.send(rest);
        let bytes = raw.until_close();
        let (answers, rest) = split(&bytes, false);
        let told = || format!("{:?}, {}: {}", self.front.kind, case.what, String::from_utf8_lossy(&bytes));
        assert!(rest.is_empty() || answers.iter().all(|answer| answer.id.as_deref() != Some(&last)), "{}", told());
        assert!(is_in_order(&answers, [&attack, &prey, &last]), "{}", told());
        for answer in &answers {
            match &answer.id {
                Some(id) if *id == last || *id == prey => assert!(answer.echoes(id), "{}", told()),
                Some(id) => assert_eq!(*id, attack, "{}", told()),
                // The front itself refused what it could not read.
                None => assert!(answer.status >= 400, "{}", told()),
            }
        }
        let is_survived = answers.last().is_some_and(|answer| answer.id.as_deref() == Some(&last));
        assert!(is_survived || !case.plain, "nobody objects to this: {}", told());
        drop(raw);
        self.survived += usize::from(is_survived);
        self.attacks += 1;
        asked.extend(answers.into_iter().filter_map(|answer| answer.id));
        asked.extend(self.others(case.what));
        self.assert_counts_agree(case.what, &asked);
    }

    /// Clients who did nothing get the answers to their own requests.
    fn others(&self, what: &str) -> Vec<String> {
        let mut asked = Vec::new();
        let mut others: Vec<Raw> = (0..OTHERS).map(|_| self.front.connect()).collect();
        for _ in 0..2 {
            let ids: Vec<String> = others.iter().map(|_| marked::id('o')).collect();
            others.iter_mut().zip(&ids).for_each(|(raw, id)| raw.send(&marked::request(id, "")));
            for (raw, id) in others.iter_mut().zip(&ids) {
                let answer = raw.final_response("POST");
                assert_eq!((answer.status, answer.text()), (200, id.clone()), "another client after {what}");
                assert_eq!(answer.header("x-front-id"), Some(id.as_str()), "another client after {what}");
            }
            asked.extend(ids);
        }
        asked
    }

    /// As many requests left the front as the node has begun or refused; those of `asked` are among them.
    fn assert_counts_agree(&mut self, what: &str, asked: &[String]) {
        let deadline = Instant::now() + SETTLE;
        loop {
            let lines = self.front.lines().split_off(self.logged);
            let begun = self.node.meters().sum("requests") - self.begun;
            let forwarded = lines.iter().filter(|line| line.is_forwarded()).count();
            let refused = lines.iter().filter(|line| line.may_be_a_refused_head()).count();
            let agree = (forwarded - refused..=forwarded).contains(&(begun as usize));
            let is_whole = asked.iter().all(|id| lines.iter().any(|line| line.names(id)));
            if agree && is_whole {
                self.begun += begun;
                self.logged += lines.len();
                self.forwarded += forwarded;
                return;
            }
            let told = || format!("{forwarded} forwarded, {refused} of them refused; {begun} begun; {lines:#?}");
            assert!(Instant::now() < deadline, "{:?}, {what}: {}\n{}", self.front.kind, told(), self.front.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn report(&self) {
        let Judge { attacks, survived, forwarded, .. } = self;
        println!(
            "{:?}: {attacks} attacks, {survived} connections went on; {forwarded} requests on both sides",
            self.front.kind
        );
        assert!(*survived * 4 > *attacks, "hardly any attack reached the node");
        assert_eq!(self.node.meters().sum("panics"), 0);
    }
}

/// Asks one marked request and gets its own answer; its id.
fn assert_marked(raw: &mut Raw, what: &str) -> String {
    let id = marked::id('m');
    raw.send(&marked::request(&id, ""));
    let answer = raw.final_response("POST");
    assert_eq!(
        (answer.status, answer.text(), answer.header("x-front-id")),
        (200, id.clone(), Some(id.as_str())),
        "{what}"
    );
    id
}

/// Whether the front answered each of `ids` at most once, and in this order.
fn is_in_order(answers: &[Answer], ids: [&String; 3]) -> bool {
    let places: Vec<_> = answers
        .iter()
        .filter_map(|answer| answer.id.as_ref())
        .map(|id| ids.iter().position(|known| *known == id))
        .collect();
    places.iter().all(Option::is_some) && places.windows(2).all(|pair| pair[0] < pair[1])
}

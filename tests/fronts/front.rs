//! nginx or HAProxy in front of a node: on a free port of loopback, as a process group that ends with the test.
//!
//! Both keep their connections to the node and give them to whoever asks next, try nothing twice, tell in
//! `X-Front-Id` and `X-Front-Method` which request they believe to be answering, and write a line for
//! each request: `forwarded=yes|no status=… …`.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Raw, Running};

/// Longer than the tests of one front take.
const LIFE: Duration = Duration::from_secs(300);
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Which front, and how it is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Reads a body whole before it passes the request on.
    Nginx,
    /// Passes bodies on as they come, and fields that it would drop.
    NginxLenient,
    Haproxy,
    /// Passes on heads that it would refuse.
    HaproxyLenient,
}

/// A running front.
pub(crate) struct Front {
    pub(crate) kind: Kind,
    address: SocketAddr,
    log: PathBuf,
    /// Goes before the directory it works in.
    running: Running,
    _dir: tempfile::TempDir,
}

/// A request as the front logged it.
#[derive(Debug, Clone)]
pub(crate) struct Line(String);

impl Line {
    /// Whether any of it was sent to the node.
    pub(crate) fn is_forwarded(&self) -> bool {
        self.0.contains("forwarded=yes")
    }

    /// Whether the node's answer to it was a refusal of the kind that a head can meet: such a head does
    /// not count as a request that has begun.
    pub(crate) fn may_be_a_refused_head(&self) -> bool {
        let status = self.0.split("status=").nth(1).and_then(|rest| rest.get(..3));
        self.is_forwarded() && matches!(status, Some("400" | "414" | "417" | "431" | "501" | "505"))
    }

    /// Whether it is about the request with this id.
    pub(crate) fn names(&self, id: &str) -> bool {
        self.0.contains(&format!("?id={id} "))
    }
}

impl Front {
    /// Starts it and waits until it accepts connections.
    pub(crate) fn start(kind: Kind, node: SocketAddr) -> Front {
        // Another process may take the port between our look and the front's.
        (0..5).find_map(|_| Front::try_start(kind, node)).unwrap_or_else(|| panic!("{kind:?} does not start"))
    }

    fn try_start(kind: Kind, node: SocketAddr) -> Option<Front> {
        let dir = tempfile::Builder::new().prefix("lattice-front-").tempdir().expect("the temp dir is writable");
        let address = free_address();
        let (config, log) = (dir.path().join("front.conf"), dir.path().join("log"));
        let (text, program) = match kind {
            Kind::Nginx | Kind::NginxLenient => (nginx_conf(kind, address, node), "nginx"),
            Kind::Haproxy | Kind::HaproxyLenient => (haproxy_cfg(kind, address, node), "haproxy"),
        };
        std::fs::write(&config, text).expect("the temp dir is writable");
        let mut command = Command::new("sh");
        let script = match program {
            "nginx" => "exec nginx -p \"$0\" -c front.conf -e stderr",
            _ => "exec haproxy -db -f \"$0/front.conf\" > \"$0/log\"",
        };
        command
            .args(["-c", script])
            .arg(dir.path())
            .env("PATH", "/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/bin");
        let running = Running::start(command, LIFE);
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if Raw::try_connect(address).is_ok() {
                return Some(Front { kind, address, log, running, _dir: dir });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// A client's connection.
    pub(crate) fn connect(&self) -> Raw {
        Raw::connect(self.address)
    }

    /// What it logged so far, whole lines only.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        whole.lines().filter(|line| line.starts_with("forwarded=")).map(|line| Line(line.to_owned())).collect()
    }

    /// What it said to whoever started it.
    pub(crate) fn said(&self) -> String {
        self.running.stderr_so_far()
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("a listener has an address")
}

fn nginx_conf(kind: Kind, address: SocketAddr, node: SocketAddr) -> String {
    let lenient = match kind {
        Kind::NginxLenient => "proxy_request_buffering off; ignore_invalid_headers off; underscores_in_headers on;",
        _ => "",
    };
    format!(
        r#"daemon off; worker_processes 1; pid pid; user root;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
    map $upstream_bytes_sent $forwarded {{ default yes; "" no; "-" no; "0" no; }}
    log_format counted 'forwarded=$forwarded status=$status upstream=$upstream_status "$request"';
    access_log log counted;
    upstream node {{ server {node}; keepalive 8; keepalive_requests 100000; }}
    server {{
        listen {address};
        {lenient}
        client_max_body_size 8m; client_body_timeout 1s; client_header_timeout 1s; keepalive_requests 100000;
        location / {{
            proxy_pass http://node;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_next_upstream off;
            proxy_read_timeout 5s;
            add_header X-Front-Id $arg_id always;
            add_header X-Front-Method $request_method always;
        }}
    }}
}}
"#
    )
}

fn haproxy_cfg(kind: Kind, address: SocketAddr, node: SocketAddr) -> String {
    let (front, back) = match kind {
        Kind::HaproxyLenient => ("option accept-invalid-http-request", "option accept-invalid-http-response"),
        _ => ("", ""),
    };
    format!(
        r#"global
    nbthread 1
    log stdout format raw local0
defaults
    mode http
    timeout connect 5s
    timeout client 1s
    timeout http-request 1s
    timeout http-keep-alive 5s
    timeout server 5s
    retries 0
frontend front
    bind {address}
    {front}
    log global
    log-format "forwarded=%[var(txn.forwarded)] status=%ST server=%s ended=%ts tc=%Tc %{{+Q}}r"
    http-request set-var(txn.forwarded) str(no)
    http-request set-var(txn.id) urlp(id)
    http-request set-var(txn.method) method
    http-after-response set-header X-Front-Id %[var(txn.id)]
    http-after-response set-header X-Front-Method %[var(txn.method)]
    default_backend node
backend node
    {back}
    http-reuse always
    http-request set-var(txn.forwarded) str(yes)
    server one {node} pool-max-conn 8 pool-purge-delay 10m
"#
    )
}

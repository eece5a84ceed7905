//! Puts the settings together from all sources, and collects every mistake on the way.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;

use super::keys::{Given, Key};
use super::problem::{Origin, PROBLEMS_MAX, Problem, Problems, excerpt};
use super::{Listen, PORT, Settings, environment, file, keys, rules};

/// Everything there is to read, as texts.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `registry.toml`, if there is one.
    pub document: Option<Document>,
    /// The environment, whole: what is not the node's is passed over.
    pub variables: Vec<(OsString, OsString)>,
    /// Flags of the command line that set a key.
    pub flags: Vec<Flag>,
}

/// A configuration file.
#[derive(Debug, Clone)]
pub struct Document {
    /// As messages name it.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// A flag that sets a key.
#[derive(Debug, Clone)]
pub struct Flag {
    /// As it is written: `--listen`.
    pub name: &'static str,
    /// Section of the key.
    pub section: &'static str,
    /// Name of the key.
    pub key: &'static str,
    /// What it says.
    pub value: String,
}

/// The settings that the sources make, or everything that is wrong with them.
pub fn load(sources: &Sources) -> Result<Settings, Problems> {
    let mut draft = Draft::default();
    if let Some(document) = &sources.document {
        file::read(&mut draft, document);
    }
    environment::read(&mut draft, &sources.variables);
    for flag in &sources.flags {
        let key = keys::find(flag.section, flag.key).expect("flags name keys that exist");
        draft.set(key, Origin::Flag(flag.name), flag.name, Given::Bare(&flag.value), &flag.value);
    }
    draft.finish()
}

/// Settings in the making.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) settings: Settings,
    origins: BTreeMap<String, Origin>,
    problems: Vec<Problem>,
}

impl Draft {
    /// Whether so much is wrong that it is pointless to look for more.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.problems.len() >= PROBLEMS_MAX
    }

    /// Notes a mistake.
    pub(crate) fn report(&mut self, origin: Origin, what: impl Into<String>, remedy: impl Into<String>) {
        if self.is_hopeless() {
            return;
        }
        self.problems.push(Problem { origin, what: what.into(), remedy: remedy.into() });
    }

    /// Gives a key a value; `name` and `written` are how the source writes the key and the value.
    pub(crate) fn set(&mut self, key: &Key, origin: Origin, name: &str, given: Given<'_>, written: &str) {
        match key.set(&mut self.settings, given) {
            Ok(()) => {
                self.origins.insert(key.title(), origin);
            }
            Err(why) => {
                let what = format!("{name} = {} {why}", excerpt(written));
                self.report(origin, what, format!("allowed: {}", key.allowed()));
            }
        }
    }

    /// Gives the node an address that was made of a host and a port.
    pub(crate) fn listen(&mut self, address: SocketAddr, origin: Origin) {
        self.settings.node.listen = vec![Listen::Tcp(address)];
        self.origins.insert("[node] listen".into(), origin);
    }

    fn finish(mut self) -> Result<Settings, Problems> {
        self.check_public_url();
        self.check_proxies();
        if !self.problems.is_empty() {
            self.problems.sort();
            return Err(Problems(self.problems));
        }
        if !self.settings.anonymous_reads {
            rules::close_reads(&mut self.settings.npm.rules);
        }
        let places = self.settings.node.listen.clone();
        self.settings.listening_on(places);
        Ok(self.settings)
    }

    /// What nobody is believed in would protect nothing while looking as if it did.
    fn check_proxies(&mut self) {
        let http = &self.settings.http;
        if http.hsts_s > 0 && http.forwarded.is_none() {
            let origin = self.origins.get("[http] hsts_s").cloned();
            let remedy = "it is for answers over TLS alone: let the proxy that speaks TLS say so, see [http] forwarded";
            let what = "[http] hsts_s is set, and nobody tells the node who came by TLS";
            return origin.into_iter().for_each(|origin| self.report(origin, what, remedy));
        }
        if !http.trusted_proxies.is_empty() {
            return;
        }
        let on = [("proxy_protocol", http.proxy_protocol), ("forwarded", http.forwarded.is_some())];
        for (name, _) in on.into_iter().filter(|(_, is_on)| *is_on) {
            let title = format!("[http] {name}");
            let Some(origin) = self.origins.get(&title).cloned() else { continue };
            let remedy = "name the proxies that are believed in [http] trusted_proxies, or leave it \"off\"";
            self.report(origin, format!("{title} is on, and no proxy is believed"), remedy);
        }
    }

    /// Tarball URLs are absolute: clients must be able to reach what they are told.
    fn check_public_url(&mut self) {
        let Some(what) = self.settings.lacks_public_url() else { return };
        let Some(origin) = self.origins.get("[node] listen").cloned() else { return };
        self.report(
            origin,
            what,
            format!(
                "packages name their tarballs by absolute URL, so the node must know what clients call it: set [node] \
                 public_url (or LATTICE_NODE_PUBLIC_URL) to, for example, \"http://npm.example.com:{PORT}\", or listen on one address"
            ),
        );
    }
}

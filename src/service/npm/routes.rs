//! The paths of the registry. `/-/ping` and `POST /-/v1/login` are not among them: one is another
//! slice's, and without the other npm falls back to the login that is here.

use crate::app::router::{BodyPolicy, RouteSpec};
use crate::limits::METADATA_DOCUMENT_BYTES_MAX;
use crate::service::npm::settings::Settings;
use crate::wire::http1::Method;

macro_rules! endpoints {
    ($($name:ident: $doc:literal,)*) => {
        /// What a route does; its number is the route's id.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Endpoint {
            $(#[doc = $doc] $name,)*
        }

        impl Endpoint {
            /// All, in the order of their ids.
            pub(crate) const ALL: &'static [Endpoint] = &[$(Endpoint::$name,)*];
        }
    };
}

endpoints! {
    Packument: "Read a package's documents.",
    Manifest: "Read one version's manifest.",
    Tarball: "Read a tarball.",
    Write: "Publish, deprecate, star.",
    WriteRev: "Unpublish versions, change owners.",
    Remove: "Unpublish a package.",
    RemoveTarball: "The last step of unpublishing a version.",
    Tags: "Read the tags.",
    SetTag: "Point a tag at a version.",
    RemoveTag: "Remove a tag.",
    Search: "Search.",
    Whoami: "Who asks.",
    ShowUser: "Read an account.",
    Login: "Log in or sign up.",
    Relogin: "Log in, third step.",
    Logout: "End a token.",
    Starred: "What a user starred.",
}

impl Endpoint {
    /// The endpoint of a route.
    pub(crate) fn of(id: u16) -> Self {
        Self::ALL[usize::from(id)]
    }

    /// Whether it shows packages or users. Whoever asks who they are is told by that endpoint itself.
    pub(crate) fn reads(self) -> bool {
        use Endpoint::{Manifest, Packument, Search, ShowUser, Starred, Tags, Tarball};
        matches!(self, Packument | Manifest | Tarball | Tags | Search | ShowUser | Starred)
    }
}

/// Every route of the slice.
pub(crate) fn routes(settings: &Settings) -> Vec<RouteSpec> {
    use BodyPolicy::{Buffer, Discard};
    // base64 makes four characters of three bytes; the document around it is bounded as well.
    let document = METADATA_DOCUMENT_BYTES_MAX as u64;
    let write =
        BodyPolicy::Stream { max: settings.tarball_bytes.div_ceil(3).saturating_mul(4).saturating_add(document) };
    [
        (Method::Get, "/{pkg:package}", Endpoint::Packument, Discard),
        (Method::Put, "/{pkg:package}", Endpoint::Write, write),
        (Method::Get, "/{pkg:package}/{version}", Endpoint::Manifest, Discard),
        (Method::Get, "/{pkg:package}/-/{file:rest}", Endpoint::Tarball, Discard),
        (Method::Put, "/{pkg:package}/-rev/{rev}", Endpoint::WriteRev, write),
        (Method::Delete, "/{pkg:package}/-rev/{rev}", Endpoint::Remove, Discard),
        (Method::Delete, "/{pkg:package}/-/{file}/-rev/{rev}", Endpoint::RemoveTarball, Discard),
        (Method::Get, "/-/package/{pkg:package}/dist-tags", Endpoint::Tags, Discard),
        (Method::Put, "/-/package/{pkg:package}/dist-tags/{tag}", Endpoint::SetTag, Buffer),
        (Method::Delete, "/-/package/{pkg:package}/dist-tags/{tag}", Endpoint::RemoveTag, Discard),
        (Method::Get, "/-/v1/search", Endpoint::Search, Discard),
        (Method::Get, "/-/whoami", Endpoint::Whoami, Discard),
        (Method::Get, "/-/user/{user}", Endpoint::ShowUser, Discard),
        (Method::Put, "/-/user/{user}", Endpoint::Login, Buffer),
        (Method::Put, "/-/user/{user}/-rev/{rev}", Endpoint::Relogin, Buffer),
        (Method::Delete, "/-/user/token/{token}", Endpoint::Logout, Discard),
        (Method::Get, "/-/_view/starredByUser", Endpoint::Starred, Discard),
    ]
    .into_iter()
    .map(|(method, pattern, endpoint, body)| RouteSpec { method, pattern, id: endpoint as u16, body, open: false })
    .collect()
}

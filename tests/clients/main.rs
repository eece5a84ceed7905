//! The real clients against the running node: npm 10 and 11, pnpm 9 and 10, yarn 1 and 4, bun.
//!
//! Each test is one client and one number of threads: it starts a node, gives the client a home of its
//! own, and goes through everything the client can do, so that a failure names client, step and command.
//! A step that fails does not keep the later ones from running, except publishing: nothing works without.
//!
//! The clients are exact development packages (`package.json` here; `scripts/test-deps` installs them).
//! To see what another registry makes of the same steps, point the tests at it:
//!
//! ```sh
//! LATTICE_TEST_REGISTRY=http://127.0.0.1:4999 LATTICE_TEST_TOKEN=… cargo test --test clients
//! ```
//!
//! That registry must let anybody sign up, and the token's user publish any name.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

#[path = "../support/mod.rs"]
mod support;

mod case;
mod client;
mod dialogue;
mod login;
mod manage;
mod packages;
mod publish;
mod registry;
mod sandbox;

use client::Client;

macro_rules! every_client {
    ($($one_thread:ident $two_threads:ident $client:ident)*) => {$(
        #[test]
        fn $one_thread() {
            case::run(Client::$client, 1);
        }

        #[test]
        fn $two_threads() {
            case::run(Client::$client, 2);
        }
    )*};
}

every_client! {
    bun_one_thread bun_two_threads Bun
    npm10_one_thread npm10_two_threads Npm10
    npm11_one_thread npm11_two_threads Npm11
    pnpm10_one_thread pnpm10_two_threads Pnpm10
    pnpm9_one_thread pnpm9_two_threads Pnpm9
    yarn1_one_thread yarn1_two_threads Yarn1
    yarn4_one_thread yarn4_two_threads Yarn4
}

//! The store as a whole: opening, crashes, users.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use crate::app::identity::{Identity, Shown, Standing};
use crate::app::store::{BlobId, Joined, Written};
use crate::store::testing::{actor, done, draft, names, new, open, publish, stage};
use crate::store::verify::verify;
use crate::store::{AccountError, OpenError, Store, TokenRights};

// Opening.

#[test]
fn the_directory_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("deep/down");
    let store = open(&dir);
    publish(&store, "p", "1.0.0", "ann").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(&dir.join("blobs")), mode(&dir.join("tmp"))), (0o700, 0o700, 0o700));
    for name in ["lattice.db", "lattice.db-wal", "lattice.db-shm", "lock"] {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
}

#[test]
fn one_process_serves_and_others_may_look() {
    let (dir, store) = new();
    publish(&store, "p", "1.0.0", "ann").unwrap();
    match Store::open_exclusive(dir.path()) {
        Err(OpenError::Busy { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("opened twice"),
    }
    let uploading = stage(&store, b"uploading");
    let beside = Store::open_shared(dir.path()).unwrap();
    assert_eq!(names(&dir.path().join("tmp")).len(), 1, "the node's uploads are left alone");
    assert_eq!(beside.packages().load("p").unwrap().unwrap().revision, 1);
    beside.accounts().create("bob", None, "", false).unwrap();
    assert!(store.users().user("bob").unwrap().is_some(), "the node sees it at once");
    assert!(beside.blobs().stage().is_err());
    assert!(beside.packages().unpublish_all("p", None, &actor("ann")).is_err());
    assert!(beside.packages().unpublish("p", &["1.0.0".to_owned()], None, 1, &actor("ann")).is_err());
    drop(uploading);
}

#[test]
fn the_store_is_free_when_its_last_part_goes() {
    let (dir, store) = new();
    let part = store.packages();
    drop(store);
    assert!(Store::open_exclusive(dir.path()).is_err());
    drop(part);
    assert!(Store::open_exclusive(dir.path()).is_ok());
}

#[test]
fn what_is_no_database_or_no_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("lattice.db"), vec![b'x'; 4096]).unwrap();
    assert!(matches!(Store::open_exclusive(dir.path()), Err(OpenError::Store(_))));
    let file = dir.path().join("lattice.db");
    assert!(matches!(Store::open_exclusive(&file), Err(OpenError::Io { .. })));
}

// Crashes: the disk as `kill -9` leaves it at each step of a publish.

/// A store with `p@1.0.0`, closed, and the name of its blob.
struct Crashed {
    dir: tempfile::TempDir,
    id: BlobId,
}

impl Crashed {
    fn new() -> Self {
        let (dir, store) = new();
        publish(&store, "p", "1.0.0", "ann").unwrap();
        let id = store.packages().load("p").unwrap().unwrap().versions[0].tarball.blob;
        Self { dir, id }
    }

    /// Final name of a blob.
    fn blob(&self, id: &BlobId) -> PathBuf {
        self.dir.path().join("blobs").join(format!("{:02x}", id.0[0])).join(format!("{id:?}"))
    }

    /// Name of a complete upload.
    fn complete(&self, id: &BlobId) -> PathBuf {
        self.dir.path().join("tmp").join(format!("{id:?}.0123"))
    }

    fn db(&self) -> Connection {
        Connection::open(self.dir.path().join("lattice.db")).unwrap()
    }

    /// Starts again: `tmp/` must be empty and the published version whole.
    fn restart(&self) -> Store {
        let store = open(self.dir.path());
        assert_eq!(names(&self.dir.path().join("tmp")), Vec::<String>::new());
        let (file, length) = store.blobs().open(&self.id).unwrap().unwrap();
        assert_eq!((std::io::read_to_string(&*file).unwrap().as_str(), length), ("p@1.0.0", 7));
        store
    }
}

const OTHER: BlobId = BlobId([0xAB; 64]);

#[test]
fn a_crash_while_an_upload_runs_leaves_nothing() {
    let crashed = Crashed::new();
    fs::write(crashed.dir.path().join("tmp/0123456789abcdef"), b"half").unwrap();
    fs::write(crashed.dir.path().join("tmp/not ours.at all"), b"?").unwrap();
    drop(crashed.restart());
}

#[test]
fn a_crash_after_an_upload_leaves_nothing() {
    let crashed = Crashed::new();
    fs::write(crashed.complete(&OTHER), b"whole").unwrap();
    drop(crashed.restart());
    assert!(!crashed.blob(&OTHER).exists());
}

#[test]
fn a_crash_between_the_final_name_and_the_commit_leaves_nothing() {
    let crashed = Crashed::new();
    fs::write(crashed.complete(&OTHER), b"whole").unwrap();
    fs::hard_link(crashed.complete(&OTHER), crashed.blob(&OTHER)).unwrap();
    let store = crashed.restart();
    assert!(!crashed.blob(&OTHER).exists());
    assert_eq!(publish(&store, "p", "1.0.1", "ann").unwrap(), done(2));
}

#[test]
fn a_crash_after_the_commit_loses_nothing() {
    let crashed = Crashed::new();
    fs::hard_link(crashed.blob(&crashed.id), crashed.complete(&crashed.id)).unwrap();
    drop(crashed.restart());
}

#[test]
fn a_final_name_that_the_disk_lost_is_made_again() {
    let crashed = Crashed::new();
    fs::rename(crashed.blob(&crashed.id), crashed.complete(&crashed.id)).unwrap();
    drop(crashed.restart());
}

#[test]
fn a_final_name_with_half_the_bytes_is_made_again() {
    let crashed = Crashed::new();
    fs::rename(crashed.blob(&crashed.id), crashed.complete(&crashed.id)).unwrap();
    fs::write(crashed.blob(&crashed.id), b"p@1").unwrap();
    drop(crashed.restart());
}

#[test]
fn a_crash_between_an_unpublish_and_its_removal_is_made_good() {
    let crashed = Crashed::new();
    fs::write(crashed.blob(&OTHER), b"whole").unwrap();
    let doom = |id: &BlobId| crashed.db().execute("INSERT INTO doomed_blobs VALUES (?1)", [id.0]).unwrap();
    doom(&OTHER);
    doom(&crashed.id);
    drop(crashed.restart());
    assert!(!crashed.blob(&OTHER).exists());
    let left: i64 = crashed.db().query_row("SELECT count(*) FROM doomed_blobs", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn a_blob_may_come_back_after_its_removal() {
    let (dir, store) = new();
    let share = |name: &str| {
        let mut draft = draft(&store, name, "1.0.0");
        draft.blob = stage(&store, b"shared");
        store.packages().publish(draft, &actor("ann")).unwrap()
    };
    share("a");
    store.packages().unpublish_all("a", None, &actor("ann")).unwrap();
    assert_eq!(share("b"), done(1));
    drop(store);
    let store = open(dir.path());
    let id = store.packages().load("b").unwrap().unwrap().versions[0].tarball.blob;
    assert!(store.blobs().open(&id).unwrap().is_some());
}

#[test]
fn a_draft_whose_blob_comes_from_elsewhere_is_an_error() {
    let (_dir, store) = new();
    let (_other_dir, other) = new();
    let draft = draft(&other, "p", "1.0.0");
    assert!(store.packages().publish(draft, &actor("ann")).is_err());
    assert_eq!(store.packages().load("p").unwrap(), None);
}

/// Set for the process that is to be killed: where it publishes.
const KILLED_IN: &str = "LATTICE_TEST_KILLED_IN";

/// Publishes and removes from four threads until killed; says what was acknowledged.
fn publish_until_killed(dir: &Path) {
    let store = open(dir);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for number in 0.. {
                    let (name, version) = (format!("p{thread}"), format!("1.{}.{number}", std::process::id()));
                    publish(store, &name, &version, "ann").unwrap();
                    println!("\nacknowledged {name} {version} whole");
                    let passing = format!("passing-{}-{thread}-{number}", std::process::id());
                    publish(store, &passing, "1.0.0", "ann").unwrap();
                    store.packages().unpublish_all(&passing, None, &actor("ann")).unwrap();
                }
            });
        }
    });
}

/// Lets such a process live for a while; the versions it saw acknowledged.
fn kill_a_publisher(dir: &Path, life: Duration) -> Vec<(String, String)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["store::tests::nothing_that_was_acknowledged_dies_with_the_process", "--exact", "--nocapture"])
        .env(KILLED_IN, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let acknowledged = lines.filter_map(|line| {
        let (name, version) = line.strip_prefix("acknowledged ")?.strip_suffix(" whole")?.split_once(' ')?;
        Some((name.to_owned(), version.to_owned()))
    });
    let mut acknowledged = acknowledged.peekable();
    acknowledged.peek();
    std::thread::sleep(life);
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged.collect()
}

#[test]
fn nothing_that_was_acknowledged_dies_with_the_process() {
    if let Some(dir) = std::env::var_os(KILLED_IN) {
        return publish_until_killed(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    for round in 0..5_u64 {
        let acknowledged = kill_a_publisher(dir.path(), Duration::from_millis(40 + 37 * round));
        assert!(!acknowledged.is_empty());
        let store = open(dir.path());
        assert_eq!(names(&dir.path().join("tmp")), Vec::<String>::new());
        for (name, version) in acknowledged {
            let package = store.packages().load(&name).unwrap().unwrap();
            assert!(package.versions.iter().any(|there| there.version == version), "{name}@{version}");
        }
        assert_eq!(verify(dir.path(), &mut |_| {}).unwrap().findings, [], "every tarball is whole, none is left over");
    }
}

// Users and tokens.

fn user_of(standing: &Standing) -> &str {
    match standing {
        Standing::User(name) => name,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_user_joins_once_and_comes_in_with_the_password() {
    let (_dir, store) = new();
    let users = store.users();
    assert_eq!(users.join("ann", "secret", "ann@example.org").unwrap(), Joined::Done);
    assert_eq!(users.join("ann", "other", "").unwrap(), Joined::Exists);
    assert!(users.join("Not A Name", "x", "").is_err());
    let identity = users.identify_password("ann", "secret").unwrap().unwrap();
    assert_eq!((user_of(&identity.standing), identity.read_only, identity.admin), ("ann", false, false));
    assert!(matches!(identity.shown, Shown::Password(_)));
    for (name, password) in [("ann", "Secret"), ("ann", ""), ("bob", "secret"), ("", "")] {
        assert_eq!(users.identify_password(name, password).unwrap(), None, "{name} {password}");
    }
    let user = users.user("ann").unwrap().unwrap();
    assert_eq!((user.name.as_str(), user.email.as_str(), user.admin), ("ann", "ann@example.org", false));
    assert!(user.created_ms > 1_600_000_000_000);
    assert_eq!(users.user("bob").unwrap(), None);
}

#[test]
fn a_token_lives_from_its_issue_to_its_end() {
    let (dir, store) = new();
    let users = store.users();
    store.accounts().create("ann", None, "", false).unwrap();
    store.accounts().create("bob", None, "", false).unwrap();
    assert_eq!(users.issue_token("nobody", false).unwrap(), None);
    let token = users.issue_token("ann", true).unwrap().unwrap();
    let identity = users.identify_token(&token).unwrap().unwrap();
    assert_eq!((user_of(&identity.standing), identity.read_only, identity.admin), ("ann", true, false));
    let listed = store.accounts().tokens("ann").unwrap();
    assert_eq!(Shown::Token(listed[0].id), identity.shown);
    assert_eq!(listed[0].shown, format!("lattice_…{}", &token[50..]));
    assert!(!users.revoke_token("bob", &token).unwrap());
    assert!(users.revoke_token("ann", &token).unwrap());
    assert!(!users.revoke_token("ann", &token).unwrap());
    assert_eq!(users.identify_token(&token).unwrap(), None);
    for junk in ["", "lattice_", "npm_x", &token[1..]] {
        assert_eq!(users.identify_token(junk).unwrap(), None, "{junk}");
    }
    let kept = fs::read(dir.path().join("lattice.db-wal")).unwrap();
    assert!(!kept.windows(40).any(|window| window == &token.as_bytes()[8..48]), "the token itself is not on disk");
}

#[test]
fn the_operator_rules_users_and_tokens() {
    let (_dir, store) = new();
    let (users, accounts) = (store.users(), store.accounts());
    assert_eq!(accounts.create("ann", Some("one"), "a@b", true).unwrap(), Joined::Done);
    assert_eq!(accounts.create("ann", None, "", false).unwrap(), Joined::Exists);
    assert!(matches!(accounts.create("-", None, "", false), Err(AccountError::BadName(_))));
    assert!(users.identify_password("ann", "one").unwrap().unwrap().admin);
    accounts.set_password("ann", Some("two")).unwrap();
    assert_eq!(users.identify_password("ann", "one").unwrap(), None);
    assert!(users.identify_password("ann", "two").unwrap().is_some());
    accounts.set_password("ann", None).unwrap();
    assert_eq!(users.identify_password("ann", "two").unwrap(), None);
    accounts.set_admin("ann", false).unwrap();
    accounts.set_email("ann", "c@d").unwrap();
    let rights = TokenRights { read_only: false, admin: true };
    let token = accounts.create_token("ann", rights).unwrap();
    let plain = accounts.create_token("ann", TokenRights::default()).unwrap();
    assert!(users.identify_token(&token).unwrap().unwrap().admin);
    assert!(!users.identify_token(&plain).unwrap().unwrap().admin);
    let account = &accounts.list().unwrap()[0];
    assert_eq!((account.user.email.as_str(), account.has_password, account.tokens), ("c@d", false, 2));
    let listed = accounts.tokens("ann").unwrap();
    assert_eq!((listed[0].rights, listed[1].rights), (rights, TokenRights::default()));
    assert!(accounts.revoke_token(listed[0].id).unwrap());
    assert!(!accounts.revoke_token(listed[0].id).unwrap());
    assert_eq!(users.identify_token(&token).unwrap(), None);
    assert_eq!(accounts.revoke_all("ann").unwrap(), 1);
    for missing in [
        accounts.set_password("bob", None).err(),
        accounts.set_admin("bob", true).err(),
        accounts.remove("bob").err(),
        accounts.tokens("bob").err(),
        accounts.create_token("bob", rights).err(),
    ] {
        assert!(matches!(missing, Some(AccountError::Missing(_))), "{missing:?}");
    }
}

#[test]
fn a_removed_user_is_out_and_the_name_is_not_for_others() {
    let (_dir, store) = new();
    let (users, accounts) = (store.users(), store.accounts());
    users.join("ann", "secret", "a@b").unwrap();
    publish(&store, "p", "1.0.0", "ann").unwrap();
    let token = users.issue_token("ann", false).unwrap().unwrap();
    accounts.remove("ann").unwrap();
    assert_eq!(users.identify_token(&token).unwrap(), None);
    assert_eq!(users.identify_password("ann", "secret").unwrap(), None);
    assert_eq!((users.user("ann").unwrap(), accounts.list().unwrap().len()), (None, 0));
    assert_eq!(users.issue_token("ann", false).unwrap(), None);
    assert_eq!(users.join("ann", "mine now", "").unwrap(), Joined::Exists);
    let package = store.packages().load("p").unwrap().unwrap();
    assert_eq!((package.maintainers[0].name.as_str(), package.maintainers[0].email.as_str()), ("ann", ""));
    assert_eq!(accounts.create("ann", None, "new@b", false).unwrap(), Joined::Done, "the operator may give it again");
    assert_eq!(publish(&store, "p", "1.0.0", "ann").unwrap(), Written::Same { revision: 1 });
    assert_eq!(users.identify_password("ann", "secret").unwrap(), None);
}

#[test]
fn of_many_who_join_under_one_name_one_does() {
    let (_dir, store) = new();
    let users = store.users();
    let joined = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|number| {
                scope.spawn({
                    let users = &users;
                    move || users.join("ann", &number.to_string(), "").unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|joined| *joined == Joined::Done).count()
    });
    assert_eq!(joined, 1);
}

#[test]
fn who_has_changed_is_told_once_and_who_has_not_is_left_out() {
    let (_dir, store) = new();
    let (users, accounts, standings) = (store.users(), store.accounts(), store.standings());
    let identities: Vec<Arc<Identity>> = ["ann", "bob", "eve"]
        .into_iter()
        .flat_map(|name| {
            accounts.create(name, Some("secret"), "", false).unwrap();
            let token = accounts.create_token(name, TokenRights::default()).unwrap();
            let by_token = users.identify_token(&token).unwrap().expect("it was just made");
            let by_password = users.identify_password(name, "secret").unwrap().expect("it was just made");
            [by_token.clone(), by_token, by_password].map(Arc::new)
        })
        .chain([Arc::new(Identity::anonymous()), Arc::new(Identity::invalid())])
        .collect();
    let changed = || standings.changed(&identities).unwrap().iter().map(|name| name.to_string()).collect::<Vec<_>>();
    assert!(changed().is_empty());
    accounts.create_token("ann", TokenRights { admin: true, read_only: false }).unwrap();
    accounts.set_email("ann", "new@b").unwrap();
    assert!(changed().is_empty(), "what they show is worth what it was");
    let with = |is_meant: fn(&Shown) -> bool| {
        let meant: Vec<_> = identities.iter().filter(|identity| is_meant(&identity.shown)).cloned().collect();
        standings.changed(&meant).unwrap().iter().map(|name| name.to_string()).collect::<Vec<_>>()
    };
    accounts.set_password("bob", Some("secret")).unwrap();
    assert_eq!(with(|shown| matches!(shown, Shown::Password(_))), ["bob"], "the same one, but set again");
    accounts.set_password("bob", None).unwrap();
    assert_eq!(with(|shown| matches!(shown, Shown::Password(_))), ["bob"]);
    assert!(with(|shown| matches!(shown, Shown::Token(_))).is_empty(), "tokens stay");
    let Shown::Token(anns) = identities[0].shown else { panic!("a token was shown") };
    assert!(accounts.revoke_token(anns).unwrap());
    assert_eq!(with(|shown| matches!(shown, Shown::Token(_))), ["ann"]);
    accounts.set_admin("bob", true).unwrap();
    accounts.remove("eve").unwrap();
    assert_eq!(changed(), ["ann", "bob", "eve"]);
    accounts.set_admin("bob", false).unwrap();
    assert_eq!(with(|shown| matches!(shown, Shown::Token(_))), ["ann", "eve"], "nobody remembers what was");
    assert_eq!(with(|shown| matches!(shown, Shown::Password(_))), ["bob", "eve"]);
}

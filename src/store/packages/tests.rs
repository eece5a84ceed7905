//! The rules of the packages, one by one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::app::store::{Actor, BlobId, Draft, Package, Packages, Readme, SearchQuery, Written};
use crate::store::Store;
use crate::store::testing::{actor, done, draft, new, open, publish, stage};

fn load(store: &Store, name: &str) -> Package {
    store.packages().load(name).unwrap().unwrap()
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn versions(package: &Package) -> Vec<&str> {
    package.versions.iter().map(|version| version.version.as_str()).collect()
}

fn tag_of<'p>(package: &'p Package, tag: &str) -> Option<&'p str> {
    package.tags.iter().find(|(name, _)| name == tag).map(|(_, version)| version.as_str())
}

fn has_blob(store: &Store, id: &BlobId) -> bool {
    store.blobs().open(id).unwrap().is_some()
}

/// Three versions of `p` by ann, at revision 3.
fn three() -> (tempfile::TempDir, Store, Arc<dyn Packages>) {
    let (dir, store) = new();
    for (version, revision) in [("1.0.0", 1), ("1.1.0", 2), ("2.0.0", 3)] {
        assert_eq!(publish(&store, "p", version, "ann").unwrap(), done(revision));
    }
    let packages = store.packages();
    (dir, store, packages)
}

// Publishing.

#[test]
fn a_published_version_is_all_there_also_after_reopening() {
    let (dir, store) = new();
    store.accounts().create("ann", None, "ann@example.org", false).unwrap();
    assert_eq!(publish(&store, "@s/p", "1.0.0", "ann").unwrap(), done(1));
    let before = load(&store, "@s/p");
    drop(store);
    let store = open(dir.path());
    let package = load(&store, "@s/p");
    assert_eq!(package, before);
    assert_eq!((package.revision, package.created_ms), (1, package.modified_ms));
    assert_eq!(package.maintainers[0].name, "ann");
    assert_eq!(package.maintainers[0].email, "ann@example.org");
    assert_eq!(package.tags, [("latest".to_owned(), "1.0.0".to_owned())]);
    assert_eq!(package.readme, Some(Readme { text: "# 1.0.0".to_owned(), file: "README.md".to_owned() }));
    let version = &package.versions[0];
    assert_eq!((version.revision, version.publisher.as_str(), version.created_ms), (1, "ann", package.created_ms));
    assert_eq!(&*version.manifest, r#"{"name":"@s/p","version":"1.0.0"}"#);
    assert_eq!((version.tarball.length, version.tarball.files, version.tarball.unpacked), (10, 1, 2));
    let (file, length) = store.blobs().open(&version.tarball.blob).unwrap().unwrap();
    assert_eq!((std::io::read_to_string(&*file).unwrap().as_str(), length), ("@s/p@1.0.0", 10));
    assert_eq!(store.packages().load("@s/q").unwrap(), None);
}

#[test]
fn the_same_bytes_by_the_same_user_are_no_conflict() {
    let (_dir, store) = new();
    assert_eq!(publish(&store, "p", "1.0.0", "ann").unwrap(), done(1));
    assert_eq!(publish(&store, "p", "1.0.0", "ann").unwrap(), Written::Same { revision: 1 });
    let mut other = draft(&store, "p", "1.0.0");
    other.blob = stage(&store, b"other bytes");
    let other_blob = other.blob.id();
    assert_eq!(store.packages().publish(other, &actor("ann")).unwrap(), Written::Exists);
    assert!(!has_blob(&store, &other_blob), "what was refused leaves no blob");
    let anyone = Actor { user: "bob".into(), must_maintain: false };
    assert_eq!(store.packages().publish(draft(&store, "p", "1.0.0"), &anyone).unwrap(), Written::Exists);
    assert_eq!(load(&store, "p").revision, 1);
}

/// `npm publish --tag beta` of a version that is there already: the tag would not be set.
#[test]
fn the_same_bytes_under_another_tag_are_a_conflict() {
    let (_dir, store) = new();
    let publish = |version: &str, tag: &str| {
        let draft = Draft { tags: owned(&[tag]), ..draft(&store, "p", version) };
        store.packages().publish(draft, &actor("ann")).unwrap()
    };
    assert_eq!(publish("1.0.0", "beta"), done(1));
    assert_eq!(publish("2.0.0", "latest"), done(2));
    assert_eq!(publish("2.0.0", "beta"), Written::Exists, "beta names an older one");
    assert_eq!(publish("2.0.0", "next"), Written::Exists, "there is no such tag");
    assert_eq!(publish("1.0.0", "latest"), Written::Same { revision: 2 }, "the tag has moved on since");
    assert_eq!(publish("1.0.0", "beta"), Written::Same { revision: 2 });
}

#[test]
fn only_a_maintainer_publishes_unless_the_configuration_lets_others() {
    let (_dir, store) = new();
    publish(&store, "p", "1.0.0", "ann").unwrap();
    assert_eq!(publish(&store, "p", "1.1.0", "bob").unwrap(), Written::NotMaintainer);
    let anyone = Actor { user: "bob".into(), must_maintain: false };
    assert_eq!(store.packages().publish(draft(&store, "p", "1.1.0"), &anyone).unwrap(), done(2));
    let package = load(&store, "p");
    assert_eq!(package.versions[1].publisher, "bob");
    assert_eq!(package.maintainers.len(), 1, "publishing makes nobody a maintainer of what exists");
}

#[test]
fn latest_is_set_only_if_there_is_none() {
    let (_dir, store) = new();
    let mut beta = draft(&store, "p", "1.0.0-beta");
    beta.tags = owned(&["beta"]);
    store.packages().publish(beta, &actor("ann")).unwrap();
    assert_eq!(tag_of(&load(&store, "p"), "latest"), Some("1.0.0-beta"));
    let mut next = draft(&store, "p", "2.0.0");
    next.tags = owned(&["next", "beta"]);
    store.packages().publish(next, &actor("ann")).unwrap();
    publish(&store, "p", "3.0.0", "ann").unwrap();
    let package = load(&store, "p");
    assert_eq!(tag_of(&package, "latest"), Some("1.0.0-beta"));
    assert_eq!((tag_of(&package, "beta"), tag_of(&package, "next")), (Some("2.0.0"), Some("2.0.0")));
    let mut four = draft(&store, "p", "4.0.0");
    four.tags = owned(&["latest"]);
    store.packages().publish(four, &actor("ann")).unwrap();
    assert_eq!(load(&store, "p").readme.unwrap().text, "# 4.0.0");
}

#[test]
fn versions_are_listed_in_the_order_of_their_publication() {
    let (_dir, store) = new();
    for version in ["2.0.0", "10.0.0", "1.0.0"] {
        publish(&store, "p", version, "ann").unwrap();
    }
    let package = load(&store, "p");
    assert_eq!(versions(&package), ["2.0.0", "10.0.0", "1.0.0"]);
    assert_eq!(package.versions.iter().map(|version| version.revision).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn parallel_publishers_of_distinct_versions_lose_none() {
    let (_dir, store) = new();
    publish(&store, "p", "0.0.0", "ann").unwrap();
    let next = AtomicUsize::new(1);
    let revisions = std::sync::Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let version = format!("1.0.{}", next.fetch_add(1, Ordering::Relaxed));
                    match publish(&store, "p", &version, "ann").unwrap() {
                        Written::Done { revision } => assert!(revisions.lock().unwrap().insert(revision)),
                        other => panic!("{version}: {other:?}"),
                    }
                }
            });
        }
    });
    let package = load(&store, "p");
    assert_eq!((package.versions.len(), package.revision), (201, 201));
    assert!(package.versions.iter().all(|version| has_blob(&store, &version.tarball.blob)));
    assert_eq!(revisions.into_inner().unwrap(), (2..=201).collect::<BTreeSet<u64>>());
}

#[test]
fn of_many_who_publish_one_version_exactly_one_wins() {
    let (_dir, store) = new();
    let outcomes = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for index in 0..50 {
            let (store, outcomes) = (&store, &outcomes);
            scope.spawn(move || {
                let mut draft = draft(store, "p", "1.0.0");
                draft.blob = stage(store, format!("bytes {}", index % 10).as_bytes());
                let blob = draft.blob.id();
                let written = store.packages().publish(draft, &actor("ann")).unwrap();
                outcomes.lock().unwrap().push((blob, written));
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap();
    let winner = load(&store, "p").versions[0].tarball.blob;
    for (blob, written) in &outcomes {
        let is_winner = *blob == winner;
        assert_eq!(matches!(written, Written::Exists), !is_winner, "{written:?}");
        assert_eq!(has_blob(&store, blob), is_winner);
    }
    let count = |wanted: &Written| outcomes.iter().filter(|(_, written)| written == wanted).count();
    assert_eq!((count(&done(1)), count(&Written::Same { revision: 1 }), count(&Written::Exists)), (1, 4, 45));
}

// Small changes.

#[test]
fn a_deprecation_is_set_and_cleared() {
    let (_dir, store, packages) = three();
    let changes = |message: Option<&str>| vec![("1.0.0".to_owned(), message.map(str::to_owned))];
    assert_eq!(packages.deprecate("p", Some(3), &changes(Some("old")), &actor("ann")).unwrap(), done(4));
    assert_eq!(load(&store, "p").versions[0].deprecated.as_deref(), Some("old"));
    let retry = packages.deprecate("p", Some(3), &changes(Some("old")), &actor("ann")).unwrap();
    assert_eq!(retry, Written::Same { revision: 4 }, "a retry ends well");
    let late = packages.deprecate("p", Some(3), &changes(None), &actor("ann")).unwrap();
    assert_eq!(late, Written::Stale { revision: 4 });
    assert_eq!(packages.deprecate("p", None, &changes(None), &actor("ann")).unwrap(), done(5));
    assert_eq!(load(&store, "p").versions[0].deprecated, None);
}

#[test]
fn a_deprecation_of_what_is_not_there_changes_nothing() {
    let (_dir, store, packages) = three();
    let both = vec![("1.0.0".to_owned(), Some("x".to_owned())), ("9.9.9".to_owned(), Some("x".to_owned()))];
    assert_eq!(packages.deprecate("p", Some(3), &both, &actor("ann")).unwrap(), Written::Missing);
    assert_eq!(packages.deprecate("q", None, &both, &actor("ann")).unwrap(), Written::Missing);
    assert_eq!(packages.deprecate("p", Some(3), &both[..1], &actor("bob")).unwrap(), Written::NotMaintainer);
    assert_eq!(packages.deprecate("p", Some(3), &[], &actor("ann")).unwrap(), Written::Same { revision: 3 });
    let package = load(&store, "p");
    assert_eq!((package.versions[0].deprecated.as_deref(), package.revision), (None, 3));
}

#[test]
fn tags_are_set_moved_and_removed() {
    let (_dir, store, packages) = three();
    let ann = actor("ann");
    assert_eq!(packages.tag("p", "old", Some("1.0.0"), &ann).unwrap(), done(4));
    assert_eq!(packages.tag("p", "old", Some("1.0.0"), &ann).unwrap(), Written::Same { revision: 4 });
    assert_eq!(packages.tag("p", "old", Some("1.1.0"), &ann).unwrap(), done(5));
    assert_eq!(tag_of(&load(&store, "p"), "old"), Some("1.1.0"));
    assert_eq!(packages.tag("p", "old", None, &ann).unwrap(), done(6));
    assert_eq!(packages.tag("p", "old", None, &ann).unwrap(), Written::Missing);
    assert_eq!(packages.tag("p", "x", Some("9.9.9"), &ann).unwrap(), Written::Missing);
    assert_eq!(packages.tag("q", "x", Some("1.0.0"), &ann).unwrap(), Written::Missing);
    assert_eq!(packages.tag("p", "x", Some("1.0.0"), &actor("bob")).unwrap(), Written::NotMaintainer);
    assert!(matches!(packages.tag("p", "latest", None, &ann).unwrap(), Written::Refused(_)));
    assert_eq!(packages.tag("p", "latest", Some("2.0.0"), &ann).unwrap(), done(7));
    let package = load(&store, "p");
    assert_eq!(package.tags, [("latest".to_owned(), "2.0.0".to_owned())]);
    assert_eq!(package.readme.unwrap().text, "# 2.0.0");
}

#[test]
fn maintainers_are_users_and_at_least_one() {
    let (_dir, store, packages) = three();
    for user in ["ann", "bob"] {
        store.accounts().create(user, None, "", false).unwrap();
    }
    let maintain = |seen, names: &[&str], by: &str| packages.maintain("p", seen, &owned(names), &actor(by)).unwrap();
    assert!(matches!(maintain(None, &[], "ann"), Written::Refused(_)));
    assert!(matches!(maintain(None, &["ann", "nobody"], "ann"), Written::Refused(_)));
    assert_eq!(maintain(Some(2), &["ann", "bob"], "ann"), Written::Stale { revision: 3 });
    assert_eq!(maintain(Some(3), &["ann", "bob"], "bob"), Written::NotMaintainer);
    assert_eq!(maintain(Some(3), &["ann", "bob", "ann"], "ann"), done(4));
    assert_eq!(maintain(Some(3), &["ann", "bob"], "ann"), Written::Same { revision: 4 });
    assert_eq!(maintain(Some(4), &["bob"], "bob"), done(5));
    assert_eq!(maintain(None, &["ann"], "ann"), Written::NotMaintainer);
    assert_eq!(load(&store, "p").maintainers[0].name, "bob");
    assert_eq!(packages.maintain("q", None, &owned(&["ann"]), &actor("ann")).unwrap(), Written::Missing);
}

/// Clients send the whole list back, so one name that nobody answers to must not freeze it.
#[test]
fn a_maintainer_who_was_removed_hinders_nobody_and_is_not_enough() {
    let (_dir, store, packages) = three();
    for user in ["ann", "bob", "cleo"] {
        store.accounts().create(user, None, "", false).unwrap();
    }
    let maintain = |names: &[&str]| packages.maintain("p", None, &owned(names), &actor("ann")).unwrap();
    assert_eq!(maintain(&["ann", "bob"]), done(4));
    store.accounts().remove("bob").unwrap();
    assert_eq!(maintain(&["ann", "bob", "cleo"]), done(5));
    assert!(matches!(maintain(&["bob"]), Written::Refused(_)), "nobody would be left who can write it");
    assert_eq!(maintain(&["ann", "cleo"]), done(6));
    assert!(matches!(maintain(&["ann", "bob"]), Written::Refused(_)), "a removed user is not added again");
}

#[test]
fn stars_shine_once_and_go_out() {
    let (_dir, store, packages) = three();
    publish(&store, "a", "1.0.0", "ann").unwrap();
    assert_eq!(packages.star("p", "bob", true).unwrap(), done(4));
    assert_eq!(packages.star("p", "bob", true).unwrap(), Written::Same { revision: 4 });
    assert_eq!(packages.star("a", "bob", true).unwrap(), done(2));
    assert_eq!(packages.star("q", "bob", true).unwrap(), Written::Missing);
    assert_eq!(packages.starred("bob").unwrap(), ["a", "p"]);
    assert_eq!(load(&store, "p").stars, ["bob"]);
    assert_eq!(packages.star("p", "bob", false).unwrap(), done(5));
    assert_eq!(packages.star("p", "bob", false).unwrap(), Written::Same { revision: 5 });
    assert_eq!(packages.starred("bob").unwrap(), ["a"]);
}

// Removing.

#[test]
fn an_unpublished_version_is_gone_for_ever() {
    let (_dir, store, packages) = three();
    let ann = actor("ann");
    packages.tag("p", "old", Some("1.0.0"), &ann).unwrap();
    let blob = load(&store, "p").versions[0].tarball.blob;
    assert_eq!(packages.unpublish("p", &owned(&["1.0.0"]), Some("2.0.0"), 4, &ann).unwrap(), done(5));
    let package = load(&store, "p");
    assert_eq!(versions(&package), ["1.1.0", "2.0.0"]);
    assert_eq!(package.tags, [("latest".to_owned(), "2.0.0".to_owned())]);
    assert_eq!(package.unpublished, None);
    assert!(!has_blob(&store, &blob));
    assert_eq!(publish(&store, "p", "1.0.0", "ann").unwrap(), Written::Tombstone);
    let retry = packages.unpublish("p", &owned(&["1.0.0"]), Some("2.0.0"), 4, &ann).unwrap();
    assert_eq!(retry, Written::Same { revision: 5 });
}

#[test]
fn an_unpublish_that_cannot_be_changes_nothing() {
    let (_dir, store, packages) = three();
    let unpublish = |versions: &[&str], latest, seen, by: &str| {
        packages.unpublish("p", &owned(versions), latest, seen, &actor(by)).unwrap()
    };
    assert_eq!(unpublish(&["1.0.0"], None, 2, "ann"), Written::Stale { revision: 3 });
    assert_eq!(unpublish(&["1.0.0", "9.9.9"], None, 3, "ann"), Written::Missing);
    assert_eq!(unpublish(&["1.0.0"], None, 3, "bob"), Written::NotMaintainer);
    assert!(matches!(unpublish(&["1.0.0"], Some("1.0.0"), 3, "ann"), Written::Refused(_)));
    assert!(matches!(unpublish(&["1.0.0"], Some("9.9.9"), 3, "ann"), Written::Refused(_)));
    let missing = packages.unpublish("q", &owned(&["1.0.0"]), None, 0, &actor("ann")).unwrap();
    assert_eq!(missing, Written::Missing);
    assert_eq!((load(&store, "p").versions.len(), load(&store, "p").revision), (3, 3));
}

#[test]
fn without_a_new_latest_the_old_one_goes_with_its_version() {
    let (_dir, store, packages) = three();
    let twice = owned(&["1.0.0", "1.0.0"]);
    assert_eq!(packages.unpublish("p", &twice, None, 3, &actor("ann")).unwrap(), done(4));
    let package = load(&store, "p");
    assert_eq!((package.tags.len(), package.readme), (0, None));
    assert_eq!(found(&store, SearchQuery::default()), Vec::<String>::new());
    assert_eq!(publish(&store, "p", "3.0.0", "ann").unwrap(), done(5));
    assert_eq!(tag_of(&load(&store, "p"), "latest"), Some("3.0.0"));
}

#[test]
fn a_blob_stays_while_any_version_has_it() {
    let (_dir, store) = new();
    let share = |name: &str| {
        let mut draft = draft(&store, name, "1.0.0");
        draft.blob = stage(&store, b"shared");
        assert_eq!(store.packages().publish(draft, &actor("ann")).unwrap(), done(1));
        load(&store, name).versions[0].tarball.blob
    };
    let (blob, same) = (share("a"), share("b"));
    assert_eq!(blob, same);
    store.packages().unpublish_all("a", None, &actor("ann")).unwrap();
    assert!(has_blob(&store, &blob));
    store.packages().unpublish_all("b", None, &actor("ann")).unwrap();
    assert!(!has_blob(&store, &blob));
}

#[test]
fn a_package_that_was_unpublished_can_begin_again_with_other_versions() {
    let (_dir, store, packages) = three();
    let ann = actor("ann");
    packages.star("p", "bob", true).unwrap();
    packages.unpublish("p", &owned(&["1.0.0"]), Some("2.0.0"), 4, &ann).unwrap();
    assert_eq!(packages.unpublish_all("p", Some(4), &ann).unwrap(), Written::Stale { revision: 5 });
    assert_eq!(packages.unpublish_all("p", Some(5), &actor("bob")).unwrap(), Written::NotMaintainer);
    assert_eq!(packages.unpublish_all("p", Some(5), &ann).unwrap(), done(6));
    assert_eq!(packages.unpublish_all("p", Some(5), &ann).unwrap(), Written::Same { revision: 6 });
    assert_eq!(packages.unpublish_all("q", None, &ann).unwrap(), Written::Missing);
    let package = load(&store, "p");
    assert_eq!((package.versions.len(), package.tags.len(), package.stars.len()), (0, 0, 0));
    let unpublished = package.unpublished.unwrap();
    assert_eq!((unpublished.by.as_str(), unpublished.versions), ("ann", owned(&["1.1.0", "2.0.0"])));
    assert_eq!(packages.tag("p", "x", Some("1.1.0"), &ann).unwrap(), Written::Missing);
    assert_eq!(packages.star("p", "bob", true).unwrap(), Written::Missing);
    for taken in ["1.0.0", "1.1.0", "2.0.0"] {
        assert_eq!(publish(&store, "p", taken, "bob").unwrap(), Written::Tombstone);
    }
    assert_eq!(publish(&store, "p", "3.0.0", "bob").unwrap(), done(7));
    let package = load(&store, "p");
    assert_eq!((package.maintainers[0].name.as_str(), package.unpublished.is_none()), ("bob", true));
    assert_eq!((tag_of(&package, "latest"), package.maintainers.len()), (Some("3.0.0"), 1));
    assert_eq!(publish(&store, "p", "1.1.0", "bob").unwrap(), Written::Tombstone);
}

#[test]
fn removing_every_version_removes_the_package() {
    let (_dir, store, packages) = three();
    let all = owned(&["1.0.0", "1.1.0", "2.0.0"]);
    assert_eq!(packages.unpublish("p", &all, None, 3, &actor("ann")).unwrap(), done(4));
    assert_eq!(load(&store, "p").unpublished.unwrap().versions, all);
}

// Searching.

fn found(store: &Store, query: SearchQuery) -> Vec<String> {
    let page = store.packages().search(&SearchQuery { size: usize::MAX, ..query }, &|_| true).unwrap();
    let hits = page.hits;
    assert_eq!(hits.len(), page.total);
    assert!(hits.iter().all(|hit| hit.score > 0.0) && hits.is_sorted_by(|a, b| a.score >= b.score));
    hits.iter().map(|hit| hit.name.to_string()).collect()
}

fn words(words: &[&str]) -> SearchQuery {
    SearchQuery { words: owned(words), ..SearchQuery::default() }
}

fn library() -> (tempfile::TempDir, Store) {
    let (dir, store) = new();
    for (name, description, keywords) in [
        ("@acme/foo-bar", "does things", &["tools", "Color"][..]),
        ("foo", "the shortest", &[]),
        ("foot", "walks", &[]),
        ("zebra", "is fond of foo and of \u{e9}clairs", &["animal"]),
    ] {
        let mut draft = draft(&store, name, "1.0.0");
        (draft.description, draft.keywords) = (description.to_owned(), owned(keywords));
        store.packages().publish(draft, &actor("ann")).unwrap();
    }
    (dir, store)
}

#[test]
fn a_name_is_found_by_each_of_its_parts() {
    let (_dir, store) = library();
    for part in ["bar", "acme", "foo-bar", "@acme/foo-bar", "@acme", "foobar", "ACME", "thing", "colo"] {
        assert_eq!(found(&store, words(&[part])), ["@acme/foo-bar"], "{part}");
    }
    assert_eq!(found(&store, words(&["ecl"])), ["zebra"], "accents do not matter");
    assert_eq!(found(&store, words(&["ar"])), Vec::<String>::new(), "only the beginnings of words");
}

#[test]
fn an_exact_name_comes_first_then_its_beginnings_then_the_rest() {
    let (_dir, store) = library();
    let all = found(&store, words(&["foo"]));
    assert_eq!(all[0], "foo");
    assert_eq!(all[1..3].iter().cloned().collect::<BTreeSet<_>>(), ["@acme/foo-bar", "foot"].map(str::to_owned).into());
    assert_eq!(all[3..], ["zebra"]);
}

#[test]
fn every_word_and_every_qualifier_must_fit() {
    let (_dir, store) = library();
    assert_eq!(found(&store, words(&["foo", "animal"])), ["zebra"]);
    assert_eq!(found(&store, words(&["foo", "nothing"])).len(), 0);
    assert_eq!(found(&store, SearchQuery::default()).len(), 4);
    let keyword = |keyword: &str| SearchQuery { keywords: owned(&[keyword]), ..SearchQuery::default() };
    assert_eq!(found(&store, keyword("color")), ["@acme/foo-bar"]);
    assert_eq!(found(&store, keyword("colo")).len(), 0);
    let scope = SearchQuery { scope: Some("acme".to_owned()), ..words(&["foo"]) };
    assert_eq!(found(&store, scope), ["@acme/foo-bar"]);
    let maintainer = |name: &str| SearchQuery { maintainer: Some(name.to_owned()), ..words(&["foo"]) };
    assert_eq!((found(&store, maintainer("ann")).len(), found(&store, maintainer("bob")).len()), (4, 0));
}

#[test]
fn no_word_is_syntax_and_none_breaks_the_search() {
    let (_dir, store) = library();
    let nothing =
        ["\"", "foo* OR zebra", "name:foo", "NEAR(foo zebra)", "a\0b", "{", "-", "(", "\\", "'", "foo\" OR \"zebra"];
    for word in nothing {
        assert_eq!(found(&store, words(&[word])).len(), 0, "{word}");
    }
    for word in ["foo\"", "^foo", "foo*", "-foo", "foo)"] {
        assert_eq!(found(&store, words(&[word])).len(), 4, "{word}");
    }
    assert_eq!(found(&store, words(&["-", "zebra"])), ["zebra"]);
    assert_eq!(found(&store, words(&["\u{0}\u{ffff}\u{1f600}"])).len(), 0);
}

#[test]
fn the_index_follows_latest() {
    let (_dir, store, packages) = three();
    let hit = |word: &str| packages.search(&SearchQuery { size: 9, ..words(&[word]) }, &|_| true).unwrap().hits;
    assert_eq!(hit("1.0.0")[0].version, "1.0.0");
    assert_eq!(hit("2.0.0").len(), 0);
    packages.tag("p", "latest", Some("2.0.0"), &actor("ann")).unwrap();
    let hits = hit("2.0.0");
    assert_eq!((hits[0].version.as_str(), hits[0].description.as_str()), ("2.0.0", "about 2.0.0"));
    assert_eq!(hits[0].keywords, ["key", "2.0.0"]);
    assert_eq!((hits[0].publisher.name.as_str(), hits[0].maintainers[0].name.as_str()), ("ann", "ann"));
    assert_eq!(&*hits[0].manifest, r#"{"name":"p","version":"2.0.0"}"#);
    assert_eq!(hit("1.0.0").len(), 0);
    packages.unpublish("p", &owned(&["2.0.0"]), Some("1.1.0"), 4, &actor("ann")).unwrap();
    assert_eq!(hit("about")[0].version, "1.1.0");
    packages.unpublish_all("p", None, &actor("ann")).unwrap();
    assert_eq!(hit("p").len(), 0);
    drop(store);
}

//! The two commands a newcomer types first, as a newcomer: in an empty folder, with nothing set up.

use harness::until;
use stack::{Launch, Supervised};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};
use tokio::process::Command;

const USHER: &str = env!("CARGO_BIN_EXE_usher");

#[tokio::test]
async fn usher_starts_everything_books_a_ticket_and_finds_it_again_after_a_restart() {
    let folder = Newcomer::new("demo");

    let mut usher = folder.runs_usher().await;
    assert!(folder.heard().contains("is ticket_ready, as asked."), "{}", folder.heard());
    for pay in ["decline", "abandon"] {
        assert!(folder.books(&["--pay", pay, "--json"]).await, "{pay} did not end as asked");
    }
    for (provider, with) in WAYS {
        let words = ["--provider", provider, "--with", with, "--json"];
        assert!(folder.books(&words).await, "{provider} with {with} did not end as asked");
    }
    for provider in ["payfort", "checkout", "tabby", "nearpay"] {
        let words = ["--provider", provider, "--pay", "decline", "--json"];
        assert!(folder.books(&words).await, "{provider} did not decline as asked");
    }
    assert!(!folder.books(&["--session", "1098", "--seats", "A1"]).await, "sold out, yet booked");
    assert_eq!(folder.is_told("cases").await, "No cases.\n");
    assert_eq!(folder.is_told("stuck").await, "Nothing waits.\n");
    usher.stop().await;
    assert!(!folder.books(&[]).await, "nothing runs here any more");

    let mut again = folder.runs_usher().await;
    let taken = ["--seats", "A1,A2"];
    assert!(!folder.books(&taken).await, "the first booking's seats were sold again");
    again.stop().await;
}

/// Who is paid with what.
const WAYS: [(&str, &str); 14] = [
    ("hyperpay", "credit_card"),
    ("hyperpay", "mada"),
    ("hyperpay", "saved_card"),
    ("payfort", "page"),
    ("payfort", "credit_card"),
    ("payfort", "mada"),
    ("payfort", "saved_card"),
    ("payfort", "apple_pay"),
    ("checkout", "token"),
    ("checkout", "stc_pay"),
    ("checkout", "apple_pay"),
    ("checkout", "saved_card"),
    ("tabby", "page"),
    ("nearpay", "terminal"),
];

#[tokio::test]
async fn a_way_to_pay_that_there_is_not_is_told_which_there_are() {
    let folder = Newcomer::new("ways");
    for (words, said) in [
        (["--provider", "checkout", "--with", "page"], "--with token or stc_pay or apple_pay"),
        (["--with", "stc_pay", "--pay", "approve"], "--provider checkout"),
        (["--provider", "nobody", "--pay", "approve"], "hyperpay, payfort, checkout"),
    ] {
        let mut command = folder.usher(&["book"]);
        let told = command.args(words).output().await.unwrap();
        let heard = String::from_utf8_lossy(&told.stderr);
        assert!(!told.status.success() && heard.contains(said), "{heard}");
    }
}

#[tokio::test]
async fn a_second_usher_in_the_same_folder_is_told_so() {
    let folder = Newcomer::new("twice");
    let mut usher = folder.runs_usher().await;
    let second = folder.usher(&["up"]).output().await.unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains("already runs here"), "{said}");
    usher.stop().await;
}

#[tokio::test]
async fn a_cluster_of_three_books_a_ticket_and_is_found_again_as_a_cluster() {
    let folder = Newcomer::new("cluster");
    let mut usher = folder.runs(&["up", "--nodes", "3"]).await;
    assert!(folder.heard().contains("any one may be lost"), "{}", folder.heard());
    assert!(folder.books(&[]).await, "nothing could be booked");
    usher.stop().await;

    let alone = folder.usher(&["up", "--nodes", "1"]).output().await.unwrap();
    let said = String::from_utf8_lossy(&alone.stderr);
    assert!(!alone.status.success() && said.contains("3 node(s)"), "{said}");

    let mut again = folder.runs(&["up"]).await;
    assert!(folder.heard().contains("any one may be lost"), "{}", folder.heard());
    assert!(!folder.books(&["--seats", "A1,A2"]).await, "the booking's seats were sold again");
    again.stop().await;
}

/// Somebody in an empty folder.
struct Newcomer(PathBuf);

impl Newcomer {
    /// The engines are not fetched again: they are linked from where all tests have them.
    fn new(name: &str) -> Self {
        let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join(".usher");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("newcomer-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join(".usher")).unwrap();
        let entries = fs::read_dir(&cache).into_iter().flatten().flatten();
        for entry in
            entries.filter(|entry| entry.file_name().to_string_lossy().contains("engines-"))
        {
            symlink(entry.path(), folder.join(".usher").join(entry.file_name())).unwrap();
        }
        Self(folder)
    }

    async fn runs_usher(&self) -> Supervised {
        self.runs(&[]).await
    }

    async fn runs(&self, words: &[&str]) -> Supervised {
        let _ = fs::remove_file(self.said());
        let mut launch = Launch::new("Usher", USHER, self.said()).args(words);
        launch.clean_env = true;
        launch.dir = Some(self.0.clone());
        let usher = Supervised::spawn(&launch).unwrap();
        until("Usher is up", || async { self.heard().contains("Usher is up").then_some(()) }).await;
        usher
    }

    fn said(&self) -> PathBuf {
        self.0.join("said.log")
    }

    fn heard(&self) -> String {
        fs::read_to_string(self.said()).unwrap_or_default()
    }

    fn usher(&self, words: &[&str]) -> Command {
        let mut command = Command::new(USHER);
        command.args(words).current_dir(&self.0).env_remove("DATABASE_URL");
        command
    }

    /// What a command says to people, as staff of this folder's own system.
    async fn is_told(&self, command: &str) -> String {
        let mut command = self.usher(&[command]);
        let command = command.env_remove("USHER_URL").env_remove("USHER_TOKEN");
        String::from_utf8(command.output().await.unwrap().stdout).unwrap()
    }

    /// Whether a booking ended as asked.
    async fn books(&self, words: &[&str]) -> bool {
        let mut command = self.usher(&["book"]);
        command.args(words).output().await.unwrap().status.success()
    }
}

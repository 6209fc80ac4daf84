//! The store as a folder, and as a bucket of an S3 server that checks every signature.

use super::*;
use crate::scripted::Scripted;
use hyper_util::rt::{TokioExecutor, TokioIo};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use std::{fs, path::PathBuf};
use tokio::net::TcpListener;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("store-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("bucket")).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn s3(endpoint: &str, secret: &str) -> Store {
    let aws = [
        ("AWS_ENDPOINT_URL_S3", endpoint),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "me-central-1"),
        ("AWS_ACCESS_KEY_ID", "access"),
        ("AWS_SECRET_ACCESS_KEY", secret),
    ];
    let aws = aws.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Store::open("s3://bucket/usher", &Options { aws }).unwrap()
}

/// An S3 server on this folder, for as long as the test's runtime lives.
async fn s3_server(folder: &Folder) -> String {
    let files = s3s_fs::FileSystem::new(&folder.0).unwrap();
    let mut service = S3ServiceBuilder::new(files);
    service.set_auth(SimpleAuth::from_single("access", "secret"));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            tokio::spawn(async move {
                drop(server.serve_connection(TokioIo::new(socket), service).await);
            });
        }
    });
    url
}

async fn keeps_what_came_first(store: &Store) {
    let name = "tickets/01K9BBBBBBBBBBBBBBBBBBBBBB/ab12.png";
    assert_eq!(store.get(name).await.unwrap(), None);
    store.put(name, b"one".to_vec()).await.unwrap();
    // Whoever comes second has the same bytes; should it have others, they change nothing.
    store.put(name, b"other".to_vec()).await.unwrap();
    assert_eq!(store.get(name).await.unwrap().as_deref(), Some(&b"one"[..]));
    let again =
        tokio::join!(store.put("a/b.png", b"x".to_vec()), store.put("a/b.png", b"x".to_vec()));
    assert!(again.0.is_ok() && again.1.is_ok());
}

#[tokio::test]
async fn a_folder_keeps_what_came_first() {
    let folder = Folder::new("local");
    let url = format!("file://{}/made/here", folder.0.display());
    keeps_what_came_first(&Store::open(&url, &Options::default()).unwrap()).await;
    assert!(folder.0.join("made/here/a/b.png").exists());
}

#[tokio::test]
async fn a_bucket_keeps_what_came_first() {
    let folder = Folder::new("bucket");
    let url = s3_server(&folder).await;
    keeps_what_came_first(&s3(&url, "secret")).await;
    assert!(folder.0.join("bucket/usher/a/b.png").exists(), "under the prefix");
}

#[tokio::test]
async fn nothing_leaves_the_store() {
    let folder = Folder::new("outside");
    let url = format!("file://{}/inside", folder.0.display());
    let store = Store::open(&url, &Options::default()).unwrap();
    drop(store.put("../outside.png", b"x".to_vec()).await);
    assert!(!folder.0.join("outside.png").exists());
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_come_back_to() {
    let failing = Scripted::new(|_| (500, "<Error/>".to_owned()));
    let throttling = Scripted::new(|_| (503, "<Error><Code>SlowDown</Code></Error>".to_owned()));
    // Nobody listens there.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let down = s3(&format!("http://{gone}"), "secret");
    for store in [s3(&failing.url, "secret"), s3(&throttling.url, "secret"), down] {
        let put = store.put("a.png", b"x".to_vec()).await;
        let Err(Error::Unavailable { reason, .. }) = put else { panic!("{put:?}") };
        assert!(!reason.contains("127.0.0.1") && !reason.contains("access"), "{reason}");
        assert!(matches!(store.get("a.png").await, Err(Error::Unavailable { .. })));
    }
    // The life of the step repeats, and nothing else does.
    assert_eq!(failing.asked().len(), 2);
}

#[tokio::test]
async fn a_store_that_refuses_our_credentials_is_a_persons_to_mend() {
    let folder = Folder::new("wrong");
    let unsigned = Scripted::new(|_| (401, "<Error/>".to_owned()));
    for store in [s3(&s3_server(&folder).await, "wrong"), s3(&unsigned.url, "secret")] {
        let put = store.put("a.png", b"x".to_vec()).await;
        let Err(Error::Refused { code, reason }) = put else { panic!("{put:?}") };
        assert!(code == "credentials" && !reason.contains("access"), "{code}: {reason}");
        assert!(matches!(store.get("a.png").await, Err(Error::Refused { .. })));
    }
}

#[test]
fn an_address_that_means_nothing_is_refused_at_the_start() {
    for url in ["", "store", "http://x", "file://relative", "s3://"] {
        assert!(Store::open(url, &Options::default()).is_err(), "{url}");
    }
}

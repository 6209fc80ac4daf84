//! The client against servers that say what it must survive.

use super::*;
use std::io::{Read, Write};

/// Answers one connection with these bytes, then closes it.
fn server(answer: &'static [u8]) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(answer);
    });
    format!("http://{address}")
}

async fn ask(base_url: &str) -> Result<Answer, Error> {
    let http = Http::new("vendor", base_url).unwrap();
    http.send(Call::get("look", "x"), Deadline::after(Duration::from_millis(300))).await
}

#[tokio::test]
async fn nobody_listening_means_not_executed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = ask(&format!("http://{address}")).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(!error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn a_lost_answer_means_unknown() {
    for answer in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", b"garbage\r\n\r\n"] {
        let error = ask(&server(answer)).await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{error}");
    }
}

#[tokio::test]
async fn silence_and_floods_mean_unknown() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = ask(&format!("http://{}", silent.local_addr().unwrap())).await.unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }), "{error}");
    let flood = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; BODY_LIMIT + 1]].concat();
    let error = ask(&server(flood.leak())).await.unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }), "{error}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let answer =
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(ask(&server(answer)).await.unwrap().status, 302);
}

#[tokio::test]
async fn json_is_read_through_a_byte_order_mark_and_a_wrong_content_type() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 10\r\n\r\n\xef\xbb\xbf{\"a\":1}";
    let body: Value = ask(&server(answer)).await.unwrap().json().unwrap();
    assert_eq!(body, serde_json::json!({"a": 1}));
}

#[tokio::test]
async fn the_servers_clock_is_believed_before_ours() {
    let answer =
        b"HTTP/1.1 200 OK\r\ndate: Sat, 21 Nov 2020 08:40:49 GMT\r\ncontent-length: 0\r\n\r\n";
    let answer = ask(&server(answer)).await.unwrap();
    assert_eq!(answer.now.to_rfc3339(), "2020-11-21T08:40:49.999+00:00");
}

//! A reader of server-sent events, as a browser's `EventSource` is one.

use harness::{Answer, Customer};
use reqwest::{Method, Response};
use serde_json::Value;

/// One event. A comment has no name.
#[derive(Debug, Default)]
pub(super) struct Event {
    pub name: String,
    pub id: Option<String>,
    pub data: Value,
}

pub(super) struct Stream {
    response: Response,
    unread: String,
}

impl Stream {
    /// Listens to a booking; or what it was told instead of a stream.
    pub(super) async fn open(
        customer: &Customer,
        booking: &str,
        last: Option<&str>,
    ) -> Result<Self, Answer> {
        let path = format!("/api/v1/orders/{booking}/events");
        let mut request =
            customer.request(Method::GET, &path).header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        if response.status() == 200 {
            assert_eq!(response.headers()["content-type"], "text/event-stream");
            return Ok(Self { response, unread: String::new() });
        }
        Err(Answer::read(response).await)
    }

    /// The next event that is no comment; None when the stream is over or cut.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.unread.split_once("\n\n") {
                let (event, rest) = (read(event), rest.to_owned());
                self.unread = rest;
                if event.name.is_empty() {
                    continue;
                }
                return Some(event);
            }
            let chunk = self.response.chunk().await.ok()??;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

fn read(lines: &str) -> Event {
    let mut event = Event::default();
    for line in lines.lines() {
        match line.split_once(": ") {
            Some(("event", name)) => name.clone_into(&mut event.name),
            Some(("id", id)) => event.id = Some(id.to_owned()),
            Some(("data", data)) => event.data = serde_json::from_str(data).unwrap(),
            _ => {}
        }
    }
    event
}

//! The engine's ingress, which may be several nodes of one cluster: who does not answer is not asked again for now.

use axum::{
    body::Bytes,
    http::{Request, Response, Uri, uri::Parts},
};
use restate_sdk::ingress::RequestExecutor;
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// The nodes of the engine. A request goes to the one that answered last; when it cannot be reached, and so certainly
/// has not seen the request, to the next.
pub(crate) struct Nodes {
    http: reqwest::Client,
    urls: Vec<Uri>,
    answering: AtomicUsize,
}

impl Nodes {
    /// `urls`: one, or several with commas between them.
    pub(crate) fn new(urls: &str) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(2))
            .timeout(Duration::from_secs(5))
            .pool_idle_timeout(Duration::from_secs(20))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        let parse = |url: &str| url.trim().parse().map_err(|_| format!("{url} is not a URL"));
        let urls = urls.split(',').map(parse).collect::<Result<Vec<Uri>, String>>()?;
        Ok(Self { http, urls, answering: AtomicUsize::new(0) })
    }

    /// The one that requests are addressed to, before they are sent to another.
    pub(crate) fn first(&self) -> Uri {
        self.urls.first().cloned().unwrap_or_default()
    }

    /// The same request at another node.
    fn at(&self, node: usize, request: &Request<Bytes>) -> Request<Bytes> {
        let mut request = request.clone();
        let mut parts: Parts = request.uri().clone().into_parts();
        if let Some(node) = self.urls.get(node) {
            parts.scheme = node.scheme().cloned();
            parts.authority = node.authority().cloned();
        }
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
        request
    }
}

impl RequestExecutor for Nodes {
    type Error = reqwest::Error;

    async fn execute(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Self::Error> {
        let (count, mut tried) = (self.urls.len(), 0);
        loop {
            let node = self.answering.load(Ordering::Relaxed) % count;
            let answer = RequestExecutor::execute(&self.http, self.at(node, &request)).await;
            tried += 1;
            let Err(error) = answer else { return answer };
            // Whoever comes next asks another, also after a silence, which may have been a start.
            self.answering.store(node + 1, Ordering::Relaxed);
            if !error.is_connect() || tried >= count {
                return Err(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{Read, Write},
        net::TcpListener,
    };

    /// A node that answers with its name, and one that nobody can reach.
    fn node(name: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{name}",
                    name.len()
                );
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        format!("http://{address}")
    }

    fn gone() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }

    async fn ask(nodes: &Nodes) -> Result<String, reqwest::Error> {
        let request = Request::get(format!("{}x", nodes.first())).body(Bytes::new()).unwrap();
        let answer = RequestExecutor::execute(nodes, request).await?;
        Ok(String::from_utf8_lossy(answer.body()).into_owned())
    }

    #[tokio::test]
    async fn who_cannot_be_reached_is_passed_over() {
        let nodes = Nodes::new(&[gone(), node("second"), node("third")].join(",")).unwrap();
        assert_eq!(ask(&nodes).await.unwrap(), "second");
        assert_eq!(nodes.answering.load(Ordering::Relaxed), 1, "it is asked first from now on");
    }

    #[tokio::test]
    async fn an_engine_that_is_all_gone_is_an_error_after_one_round() {
        let nodes = Nodes::new(&[gone(), gone()].join(",")).unwrap();
        assert!(ask(&nodes).await.unwrap_err().is_connect());
    }

    #[tokio::test]
    async fn a_request_that_may_have_been_seen_goes_nowhere_else() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = stream.unwrap().read(&mut [0; 4096]);
            }
        });
        let nodes = Nodes::new(&[silent, node("second")].join(",")).unwrap();
        assert!(!ask(&nodes).await.unwrap_err().is_connect());
        assert_eq!(ask(&nodes).await.unwrap(), "second");
    }
}

//! Somebody between Usher and its vendors, who writes into their answers what has no business there.

use super::Plant;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderName, Response, StatusCode, header},
};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, OnceLock},
};
use tokio::net::TcpListener;

/// A text in an answer: `GET /vista/…/sessions value.*.ScreenName`.
pub(super) type Field = String;

/// Passes everything on, and everything back with something planted in it.
pub(super) struct Between {
    pub(super) url: String,
    /// Where the vendors really are; known once they run.
    vendors: OnceLock<String>,
    http: reqwest::Client,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    /// Every text that the vendors have answered with.
    fields: BTreeSet<Field>,
    /// What is still to be planted, by operation: one plant an answer.
    waiting: BTreeMap<String, Vec<Plant>>,
}

impl Between {
    pub(super) async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let (vendors, told) = (OnceLock::new(), Mutex::default());
        let between = Arc::new(Self { url, vendors, http, told });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&between));
        tokio::spawn(async move { axum::serve(listener, router).await });
        between
    }

    pub(super) fn vendors_are_at(&self, url: &str) {
        self.vendors.set(url.to_owned()).unwrap();
    }

    pub(super) fn fields(&self) -> BTreeSet<Field> {
        self.told.lock().unwrap().fields.clone()
    }

    /// One plant an answer, in the order given.
    pub(super) fn plants(&self, plants: impl IntoIterator<Item = Plant>) {
        let mut told = self.told.lock().unwrap();
        for plant in plants {
            let (operation, _) = plant.field.rsplit_once(' ').unwrap();
            told.waiting.entry(operation.to_owned()).or_default().push(plant);
        }
    }

    /// Fields that nothing could be planted in so far.
    pub(super) fn waiting(&self) -> BTreeSet<Field> {
        let told = self.told.lock().unwrap();
        told.waiting.values().flatten().map(|plant| plant.field.clone()).collect()
    }

    fn answers(&self, operation: &str, answer: &mut Value) {
        let mut told = self.told.lock().unwrap();
        visit(answer, "", &mut |path, _| {
            told.fields.insert(format!("{operation} {path}"));
        });
        let mut planted = None;
        if let Some(waiting) = told.waiting.get_mut(operation) {
            for (place, plant) in waiting.iter().enumerate() {
                let (_, wanted) = plant.field.rsplit_once(' ').unwrap();
                visit(answer, "", &mut |path, text| {
                    if path == wanted {
                        text.clone_from(&plant.text);
                        planted = Some(place);
                    }
                });
                if planted.is_some() {
                    break;
                }
            }
            planted.map(|place| waiting.remove(place));
        }
        told.waiting.retain(|_, waiting| !waiting.is_empty());
        crowd(answer);
    }
}

async fn pass(State(between): State<Arc<Between>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let url = format!("{}{}", between.vendors.get().unwrap(), parts.uri);
    let mut onward = between.http.request(parts.method.clone(), url).body(body);
    for (name, value) in &parts.headers {
        if !HOP_BY_HOP.contains(name) {
            onward = onward.header(name, value);
        }
    }
    let Ok(answer) = onward.send().await else { return broken() };
    let (status, headers) = (answer.status(), answer.headers().clone());
    let Ok(body) = answer.bytes().await else { return broken() };
    let body = match serde_json::from_slice::<Value>(&body) {
        Ok(mut value) => {
            let operation = format!("{} {}", parts.method, template(parts.uri.path()));
            between.answers(&operation, &mut value);
            value.to_string().into_bytes()
        }
        Err(_) => body.to_vec(),
    };
    let mut back = Response::builder().status(status);
    for (name, value) in headers.iter().filter(|(name, _)| !HOP_BY_HOP.contains(name)) {
        back = back.header(name, value);
    }
    back.body(Body::from(body)).unwrap()
}

const HOP_BY_HOP: [HeaderName; 5] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::ACCEPT_ENCODING,
];

fn broken() -> Response<Body> {
    Response::builder().status(StatusCode::BAD_GATEWAY).body(Body::empty()).unwrap()
}

/// The path without what changes from booking to booking.
fn template(path: &str) -> String {
    let part = |part: &str| {
        let id = part.len() > 3 && part.chars().any(|c| c.is_ascii_digit());
        if id { "*".to_owned() } else { part.to_owned() }
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Of a long list all elements are alike.
const ELEMENTS: usize = 3;

/// Every text in it, with its path; elements of a list have one path.
pub(super) fn visit(value: &mut Value, path: &str, see: &mut dyn FnMut(&str, &mut String)) {
    let below =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::String(text) => see(path, text),
        Value::Array(list) => {
            let path = below("*");
            for element in list.iter_mut().take(ELEMENTS) {
                visit(element, &path, see);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                visit(field, &below(name), see);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Puts into every object what vendors have been seen to send although nobody asked.
fn crowd(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().take(ELEMENTS).for_each(crowd),
        Value::Object(fields) => {
            fields.values_mut().for_each(crowd);
            let card = json!({ "number": super::EXTRA_CARD, "holder": super::EXTRA_NAME,
                "cvv": super::EXTRA_NAME, "expiryYear": "2031" });
            match fields.get_mut("card") {
                Some(Value::Object(shown)) => add(shown, &card),
                Some(_) => {}
                None => drop(fields.insert("card".to_owned(), card)),
            }
            let extra = json!({ "holderName": super::EXTRA_NAME, "pan": super::EXTRA_CARD,
                "registrationToken": super::EXTRA_NAME });
            add(fields, &extra);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn add(fields: &mut Map<String, Value>, more: &Value) {
    for (name, value) in more.as_object().unwrap() {
        fields.entry(name).or_insert_with(|| value.clone());
    }
}

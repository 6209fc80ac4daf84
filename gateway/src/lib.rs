//! The front door: HTTP in, workflows started, state returned. It decides nothing, and writes nothing but what a person
//! has decided, which phones want to hear of a pass, and which deliveries began nothing.

mod app;
mod auth;
mod changes;
mod engine;
mod error;
mod guard;
mod ingress;
mod metrics;
mod openapi;
mod preferences;
mod refused;
mod routes;
mod staff;
mod sweep;
mod telemetry;
mod view;

pub use app::{App, Settings};
pub use auth::{
    Bearer, Claims, JwtKey, KeyMaterial, Kind, Status, Trust, UnusableKey, Verifier, sign,
};
pub use changes::Changes;
pub use engine::Engine;
pub use error::CODES;
pub use guard::{Guard, Limits, Rate, serve};
pub use metrics::serve_metrics;
pub use refused::{Refusals, Writer};
pub use staff::PERMISSIONS;
pub use sweep::sweep;

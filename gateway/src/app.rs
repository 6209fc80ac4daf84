//! What every handler needs.

use crate::{
    auth::Verifier,
    changes::Changes,
    engine::Engine,
    guard::{Guard, Limits},
    refused::Refusals,
};
use activities::tickets::pass::Passes;
use adapters::{
    Providers, apple_pay::ApplePay, identity::Identity, nearpay::login::Minter,
    restate_admin::RestateAdmin, storage::Store, vista::Vista,
};
use schema::{
    Db,
    ids::IdKey,
    provider::{Platform, Provider},
    timings::Timings,
};
use std::{collections::BTreeMap, sync::Arc};

/// The application: the tables to read from, the engine to start things in, and how to know who asks.
#[derive(Clone)]
pub struct App {
    pub db: Db,
    pub engine: Engine,
    /// Only asked what the engine itself is failing at.
    pub admin: Arc<RestateAdmin>,
    /// Tells those who wait for a booking.
    pub changes: Changes,
    pub id_key: IdKey,
    pub verifier: Arc<Verifier>,
    /// How users stand today. None: configured away, and tokens alone are believed.
    pub identity: Option<Arc<Identity>>,
    pub guard: Arc<Guard>,
    /// Keeps deliveries that began nothing.
    pub refused: Refusals,
    pub vista: Arc<Vista>,
    pub providers: Arc<Providers>,
    /// None: no key, so no kiosk's terminal signs in.
    pub minter: Option<Arc<Minter>>,
    /// None: no merchant id, so no sheet opens.
    pub apple_pay: Option<Arc<ApplePay>>,
    /// Where the tickets' pictures are.
    pub store: Store,
    /// None: no certificates, so there are no passes for wallets.
    pub passes: Option<Passes>,
    pub settings: Arc<Settings>,
}

/// Choices of the operator.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where callers, browsers and vendors reach us: `https://api.example`.
    pub public_url: String,
    pub max_seats: usize,
    pub limits: Limits,
    pub timings: Timings,
    /// Whom a payment is opened with when its customer names nobody: the first of these that is well.
    pub provider_order: Vec<Provider>,
    /// Where a browser goes from the vendor's page, by platform; `{booking}` is filled in.
    pub deep_links: BTreeMap<Platform, String>,
    /// The terminal of each kiosk, by the kiosk's name in its token.
    pub terminals: BTreeMap<String, String>,
    /// What Apple has given us to show under our domain.
    pub domain_association: Option<String>,
}

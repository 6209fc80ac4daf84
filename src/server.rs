//! Usher, put together and running: the gateway, the workflows, and the sweep that finds what was left lying.

use crate::{
    config::Config,
    telemetry::{self, Metrics, Watched},
    wait::{stopped, until_ready},
};
use activities::{
    Activities,
    tickets::{Studio, pass::Passes},
};
use adapters::{
    Providers,
    apple_pay::ApplePay,
    checkout::Checkout,
    hyperpay::HyperPay,
    identity::Identity,
    nearpay::{NearPay, login::Minter},
    payfort::PayFort,
    restate_admin::RestateAdmin,
    storage::Store,
    tabby::Tabby,
    vista::Vista,
};
use chrono::Utc;
use gateway::{App, Changes, Engine, Guard, Refusals, Verifier, sweep};
use schema::{Db, ids::IdKey, past_due, provider::Provider};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

/// Between two sweeps.
const SWEEP_EVERY: Duration = Duration::from_hours(1);
/// After a sweep that has found a whole page: what it has sent is under way, the rest follows.
const SWEEP_ON: Duration = Duration::from_mins(1);

/// How long what has begun may take to finish once we stop. The engine keeps idle streams open for longer; whatever is
/// cut off there, it runs again.
const GRACE: Duration = Duration::from_secs(2);

/// Confirming, or giving up and unwinding, takes this long at most (Vista may be silent for ten minutes).
const PAID_WITHOUT_BOOKING_MS: i64 = 15 * 60 * 1000;

pub(crate) struct Listeners {
    /// None: another process is the front door.
    pub gateway: Option<TcpListener>,
    /// None: another process runs the workflows.
    pub workflows: Option<TcpListener>,
    pub metrics: TcpListener,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Runs until `stopping` turns true; what has begun is finished.
pub(crate) async fn run(
    mut config: Config,
    listeners: Listeners,
    metrics: Metrics,
    stopping: watch::Receiver<bool>,
) -> Result<(), Error> {
    let mut running = JoinSet::new();
    let stop = stopped(stopping.clone());
    let (ready, is_ready) = watch::channel(false);
    running.spawn(async move {
        let (text, is_ready) = (move || metrics.text(), move || *is_ready.borrow());
        if let Err(error) = gateway::serve_metrics(text, is_ready, listeners.metrics, stop).await {
            tracing::error!(%error, "nobody can read the metrics any more: {error}");
        }
    });
    let parts = Parts::new(&mut config).await?;
    let patience_ms = PAID_WITHOUT_BOOKING_MS / i64::from(config.time_factor);
    // Connections of its own: whoever watches must see when all others are taken.
    let watched = Watched {
        tables: until_ready("the database", || Db::connect(&config.database_url, telemetry::LOOKS))
            .await?,
        pool: parts.db.clone(),
        engine: Arc::clone(&parts.admin),
        patience_ms,
    };
    let watching = tokio::spawn(telemetry::keep_current(watched));
    if let Some(listener) = listeners.workflows {
        telemetry::sweeping_begins();
        telemetry::draws_tickets(config.pictures);
        let endpoint = workflows::endpoint(parts.activities(), &config.engine_keys)?;
        let stop = stopped(stopping.clone());
        running.spawn(workflows::serve(endpoint, listener, stop));
        until_ready("the engine to take the workflows", || parts.register(&config)).await?;
        // A row that is silent for longer than the longest wait of a step was left lying.
        let quiet_ms = i64::try_from(config.settings.timings.retry_longest_ms).unwrap_or(i64::MAX);
        let sweeping = keep_sweeping(parts.clone(), quiet_ms, config.pictures, stopping.clone());
        running.spawn(sweeping);
    }
    let mut of_refused = None;
    if let Some(listener) = listeners.gateway {
        let (refused, writer) = Refusals::new(parts.db.clone());
        of_refused = Some(writer);
        let app = parts.app(&config, refused)?;
        let stop = stopped(stopping.clone());
        running.spawn(async move {
            if let Err(error) = gateway::serve(app, listener, stop).await {
                tracing::error!(%error, "the gateway has ended: {error}");
            }
        });
    }
    ready.send_replace(true);
    let in_time = async {
        stopped(stopping).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        _ = running.join_all() => {}
        () = in_time => {}
    }
    watching.abort();
    // Nobody comes in any more: what was refused meanwhile is written down.
    if let Some(writer) = of_refused {
        writer.finish().await;
    }
    Ok(())
}

#[derive(Clone)]
struct Parts {
    db: Db,
    engine: Engine,
    admin: Arc<RestateAdmin>,
    vista: Arc<Vista>,
    providers: Arc<Providers>,
    id_key: IdKey,
    studio: Option<Studio>,
    store: Store,
    passes: Option<Passes>,
}

impl Parts {
    async fn new(config: &mut Config) -> Result<Self, Error> {
        let connect = || Db::connect(&config.database_url, config.database_connections);
        let mut providers = Providers::new();
        if let Some(hyperpay) = &config.hyperpay {
            let vendor = Arc::new(HyperPay::new(hyperpay.clone())?);
            providers = providers.with(Provider::HyperPay, vendor);
        }
        if let Some(payfort) = &config.payfort {
            let vendor = Arc::new(PayFort::new(payfort.clone())?);
            providers = providers.with(Provider::PayFort, vendor);
        }
        if let Some(checkout) = &config.checkout {
            let vendor = Arc::new(Checkout::new(checkout.clone())?);
            providers = providers.with(Provider::Checkout, vendor);
        }
        if let Some(tabby) = &config.tabby {
            providers = providers.with(Provider::Tabby, Arc::new(Tabby::new(tabby.clone())?));
        }
        if let Some(nearpay) = &config.nearpay {
            let vendor = Arc::new(NearPay::new(nearpay.clone())?);
            providers = providers.with(Provider::NearPay, vendor);
        }
        Ok(Self {
            db: until_ready("the database", connect).await?,
            engine: Engine::new(&config.restate_ingress_url)?,
            admin: Arc::new(RestateAdmin::new(
                &config.restate_admin_url,
                &config.restate_ingress_url,
            )?),
            vista: Arc::new(Vista::new(config.vista.clone())?),
            providers: Arc::new(providers),
            id_key: config.id_key.clone(),
            studio: config.pictures.then(|| config.seller.clone().map(Studio::new)).flatten(),
            store: Store::open(&config.store.url, &config.store.options)?,
            passes: passes(config)?,
        })
    }

    fn activities(&self) -> Activities {
        Activities {
            db: self.db.clone(),
            vista: Arc::clone(&self.vista),
            providers: Arc::clone(&self.providers),
            id_key: self.id_key.clone(),
            studio: self.studio.clone(),
            store: self.store.clone(),
        }
    }

    fn app(&self, config: &Config, refused: Refusals) -> Result<App, Error> {
        Ok(App {
            db: self.db.clone(),
            engine: self.engine.clone(),
            admin: Arc::clone(&self.admin),
            changes: Changes::new(self.db.clone(), config.settings.limits.waiting()),
            id_key: self.id_key.clone(),
            verifier: Arc::new(Verifier::new(&config.trust)?),
            identity: config.identity.as_ref().map(Identity::new).transpose()?.map(Arc::new),
            guard: Arc::new(Guard::new(&config.settings.limits)),
            refused,
            vista: Arc::clone(&self.vista),
            providers: Arc::clone(&self.providers),
            minter: config.terminal_login.as_ref().map(Minter::new).transpose()?.map(Arc::new),
            apple_pay: config.apple_pay.as_ref().map(ApplePay::new).transpose()?.map(Arc::new),
            store: self.store.clone(),
            passes: self.passes.clone(),
            settings: Arc::new(config.settings.clone()),
        })
    }

    /// Tells the engine where the workflows are. In development the one deployment moves along with its port and its
    /// code; in production a URL is a version, and waiting sagas stay on theirs.
    async fn register(&self, config: &Config) -> Result<(), adapters::Error> {
        let here = &config.workflows_url;
        if config.development {
            let known = self.admin.deployments().await?;
            if let Some(moved) = known.iter().rfind(|known| !same_place(&known.uri, here)) {
                self.admin.move_deployment(&moved.id, here).await?;
                return Ok(());
            }
        }
        self.admin.register(here, config.development).await
    }
}

/// Operations hears of certificates that end soon at every start.
fn passes(config: &mut Config) -> Result<Option<Passes>, Error> {
    let Some(config) = config.passes.take() else { return Ok(None) };
    if let Some(ends_at) = config.certificates.ends_soon(Utc::now()) {
        tracing::warn!(%ends_at, "the last certificate for wallet passes ends at {ends_at}: add a newer one");
    }
    Ok(Some(Passes::new(config)?))
}

fn same_place(known: &str, here: &str) -> bool {
    known.trim_end_matches('/') == here.trim_end_matches('/')
}

async fn keep_sweeping(
    parts: Parts,
    quiet_ms: i64,
    pictures: bool,
    stopping: watch::Receiver<bool>,
) {
    loop {
        let mut next = SWEEP_EVERY;
        match sweep(&parts.db, &parts.engine, &parts.admin, quiet_ms, pictures).await {
            Ok(0) => {}
            Ok(sent) => {
                tracing::info!(sent, "sent {sent} workflows again that were past due");
                if sent >= past_due::PAGE {
                    next = SWEEP_ON;
                }
            }
            Err(error) => tracing::warn!(%error, "the sweep stopped half-way: {error}"),
        }
        tokio::select! {
            () = stopped(stopping.clone()) => return,
            () = tokio::time::sleep(next) => {}
        }
    }
}

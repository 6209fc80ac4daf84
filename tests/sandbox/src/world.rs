//! All vendors behind their locks, and the file they are kept in.

use crate::Config;
use crate::checkout::Checkout;
use crate::clock::{self, Clock};
use crate::hyperpay::HyperPay;
use crate::identity::Identity;
use crate::nearpay::NearPay;
use crate::payfort::PayFort;
use crate::tabby::Tabby;
use crate::vendor::Vendor;
use crate::vista::Vista;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

const SETTLE: Duration = Duration::from_millis(50);
const SWEEP: Duration = Duration::from_millis(100);

pub(crate) struct World {
    vendors: BTreeMap<&'static str, Mutex<Box<dyn Vendor>>>,
    pub identity: Identity,
    pub clock: Clock,
    pub changed: Notify,
    pub post: Notify,
    pub stopped: watch::Receiver<bool>,
    state_file: Option<PathBuf>,
}

impl World {
    pub(crate) fn open(config: &Config, stopped: watch::Receiver<bool>) -> io::Result<Arc<Self>> {
        let mut vista: Box<dyn Vendor> = Box::new(Vista::new(config));
        let clock = Clock::new(config.factor);
        let mut hyperpay: Box<dyn Vendor> = Box::new(HyperPay::new(config, &clock));
        let mut payfort: Box<dyn Vendor> = Box::new(PayFort::new(config, &clock));
        let mut checkout: Box<dyn Vendor> = Box::new(Checkout::new(config, &clock));
        let mut tabby: Box<dyn Vendor> = Box::new(Tabby::new(config, &clock));
        let mut nearpay: Box<dyn Vendor> = Box::new(NearPay::new(config, &clock));
        if let Some(path) = &config.state_file
            && let Some(mut saved) = load(path)?
        {
            let all = [
                ("vista", &mut vista),
                ("hyperpay", &mut hyperpay),
                ("payfort", &mut payfort),
                ("checkout", &mut checkout),
                ("tabby", &mut tabby),
                ("nearpay", &mut nearpay),
            ];
            for (name, vendor) in all {
                if let Some(state) = saved.pointer_mut(&format!("/vendors/{name}")) {
                    vendor.restore(state.take()).map_err(|error| unreadable(path, &error))?;
                    vendor.desk_mut().outbox.resume();
                }
            }
        }
        Ok(Arc::new(Self {
            vendors: [
                ("vista", Mutex::new(vista)),
                ("hyperpay", Mutex::new(hyperpay)),
                ("payfort", Mutex::new(payfort)),
                ("checkout", Mutex::new(checkout)),
                ("tabby", Mutex::new(tabby)),
                ("nearpay", Mutex::new(nearpay)),
            ]
            .into(),
            identity: Identity::default(),
            clock,
            changed: Notify::new(),
            post: Notify::new(),
            stopped,
            state_file: config.state_file.clone(),
        }))
    }

    pub(crate) fn vendor(&self, name: &str) -> Option<MutexGuard<'_, Box<dyn Vendor>>> {
        let vendor = self.vendors.get(name)?;
        Some(vendor.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.vendors.keys().copied().collect()
    }

    /// Something is different: save it, and see whether there is mail.
    pub(crate) fn touch(&self) {
        self.changed.notify_one();
        self.post.notify_one();
    }

    /// Resolves when the sandbox stops.
    pub(crate) async fn stop(&self) {
        let mut stopped = self.stopped.clone();
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }

    pub(crate) fn save(&self) -> io::Result<()> {
        let Some(path) = &self.state_file else { return Ok(()) };
        let mut vendors = Vec::new();
        for name in self.names() {
            let snapshot = self.vendor(name).map(|vendor| vendor.snapshot());
            if let Some(snapshot) = snapshot {
                vendors.push(format!("\"{name}\":{}", snapshot()?));
            }
        }
        let text = format!("{{\"version\":1,\"vendors\":{{{}}}}}", vendors.join(","));
        let fresh = path.with_extension("fresh");
        std::fs::write(&fresh, text)?;
        std::fs::rename(&fresh, path)
    }
}

fn load(path: &Path) -> io::Result<Option<Value>> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    serde_json::from_slice(&text).map(Some).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &serde_json::Error) -> io::Error {
    let path = path.display();
    let text = format!("the sandbox cannot read its state in {path} ({error}); delete the file");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Saves soon after every change. The bigger the state, the longer the pause between two saves.
pub(crate) async fn keep_saving(world: Arc<World>) {
    if world.state_file.is_none() {
        return;
    }
    let mut pause = SETTLE;
    loop {
        tokio::select! {
            () = world.changed.notified() => {}
            () = world.stop() => return,
        }
        tokio::time::sleep(pause).await;
        let started = Instant::now();
        let saving = Arc::clone(&world);
        match tokio::task::spawn_blocking(move || saving.save()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the sandbox could not save its state"),
            Err(error) => tracing::warn!(%error, "saving the sandbox's state did not finish"),
        }
        pause = SETTLE.max(started.elapsed().saturating_mul(20));
    }
}

/// Expires what nobody asks about.
pub(crate) async fn keep_sweeping(world: Arc<World>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(SWEEP) => {}
            () = world.stop() => return,
        }
        let now = clock::now_ms();
        let mut changed = false;
        for name in world.names() {
            let swept = world.vendor(name).map(|mut vendor| vendor.sweep(now));
            changed |= swept.unwrap_or_default();
        }
        if changed {
            world.touch();
        }
    }
}

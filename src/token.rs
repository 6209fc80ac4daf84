//! `usher token`: a bearer token signed with this folder's development key.

use crate::{Outcome, home::Home};
use chrono::{Duration, Utc};
use clap::{ArgGroup, Args};
use gateway::{Claims, Kind, Status, sign};
use std::process::ExitCode;

/// Whom the token is for.
#[derive(Args)]
#[group(skip)]
#[command(group = ArgGroup::new("bearer").required(true).args(["customer", "guest", "kiosk", "staff"]))]
pub(crate) struct Bearer {
    /// A customer, by id.
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// A guest; every token is another one.
    #[arg(long)]
    guest: bool,
    /// A kiosk, by id.
    #[arg(long, value_name = "ID")]
    kiosk: Option<String>,
    /// A member of staff, by id.
    #[arg(long, value_name = "ID")]
    staff: Option<String>,
    /// What staff may do.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "staff")]
    permissions: Vec<String>,
}

pub(crate) fn run(bearer: &Bearer) -> Outcome {
    let (kind, id) = match bearer {
        Bearer { customer: Some(id), .. } => (Kind::Customer, id.clone()),
        Bearer { kiosk: Some(id), .. } => (Kind::Kiosk, id.clone()),
        Bearer { staff: Some(id), .. } => (Kind::Staff, id.clone()),
        Bearer { .. } => (Kind::Guest, crate::home::random_hex()),
    };
    let token = signed(&Home::open()?, kind, id, bearer.permissions.clone())?;
    print(&token);
    Ok(ExitCode::SUCCESS)
}

/// A token that is good for a day.
pub(crate) fn signed(
    home: &Home,
    kind: Kind,
    id: String,
    permissions: Vec<String>,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let exp = (Utc::now() + Duration::days(1)).timestamp();
    let claims = Claims {
        sub: id,
        kind,
        status: Status::Active,
        permissions,
        exp: u64::try_from(exp).unwrap_or(0),
    };
    Ok(sign(&claims, &home.keys()?.jwt_secret.into())?)
}

#[expect(clippy::print_stdout, reason = "the token is what the command is for")]
fn print(token: &str) {
    println!("{token}");
}

//! The stand-ins as a program of their own: one port, one path prefix per vendor.

use clap::Parser;
use std::io;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    options: sandbox::Options,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    sandbox::run(Cli::parse().options).await
}

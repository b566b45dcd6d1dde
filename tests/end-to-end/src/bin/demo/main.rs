//! The demo: an emulated org with the package installed and a company in it, the gateway on SQLite in a temporary
//! folder, paired as an admin pairs them, the initial sync with its progress, and a story in which both sides write.
//! Stays up until Ctrl-C, with pages to click.
#![expect(
    clippy::indexing_slicing,
    reason = "reading a JSON value by name never panics: what is missing is null"
)]
#![expect(clippy::print_stdout, reason = "a demo speaks to the person who runs it")]

mod browser;
mod places;
mod scene;
mod setup;
mod story;

use std::path::PathBuf;

use clap::Parser;

use scene::Scene;

/// What any step may stumble over; the demo stops at it and says so.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Shows Causeway doing its main job.
#[derive(Debug, Parser)]
struct Arguments {
    /// About how many records the company has.
    #[arg(long, default_value_t = 10_000)]
    records: u64,
    /// The seed that the company grows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End after the story instead of staying up.
    #[arg(long)]
    once: bool,
    /// The built Lightning pages (scripts/lightning-pages makes them); without them the org serves the rest.
    #[arg(long)]
    lightning: Option<PathBuf>,
    /// What to do to have the Lightning pages, said where they are missing.
    #[arg(
        long,
        hide = true,
        default_value = "build them with scripts/lightning-pages and name their folder with --lightning"
    )]
    how_to_have_pages: String,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let mut scene = Scene::start(&arguments).await?;
    setup::in_the_org(&scene).await?;
    scene.connect().await?;
    setup::of_the_connection(&scene).await?;

    heading("Initial sync");
    scene.sync_initially()?;

    let contact = story::tell(&scene).await?;
    places::show(&scene, &arguments, &contact)?;
    if !arguments.once {
        println!("\n  Everything stays up until Ctrl-C.");
        tokio::signal::ctrl_c().await?;
    }
    scene.end().await
}

fn heading(text: &str) {
    println!("\n== {text}");
}

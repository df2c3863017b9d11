//! `bench-org`: a large fake Okta org on a local port, for `make bench`. Exits when standard input ends; a line there,
//! `profiles 10` or another change of [`fake_org::Change`], makes so many changes.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Parser;
use fake_org::{BenchOptions, Class, Clock, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Limits, Org};
use jiff::Timestamp;
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin, stdin};
use tokio::net::TcpListener;

#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Events in the System Log.
    #[arg(long, default_value_t = 50_000)]
    events: usize,
    /// Users of the usual org; all else in it grows or shrinks with them.
    #[arg(long, default_value_t = 10_000)]
    users: usize,
    /// Instead of the usual org, so many users, all in one group, who are made while they are listed.
    #[arg(long)]
    streamed: Option<u64>,
    /// Every answer takes this long.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Requests a minute for groups and what lies below them.
    #[arg(long)]
    groups_a_minute: Option<u64>,
    /// So many users whose factors are refused, for good.
    #[arg(long, default_value_t = 0)]
    refused_factors: usize,
    /// The members of one group are never listed: the answer does not come.
    #[arg(long)]
    hanging_group: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cli = Cli::parse();
    let org = Arc::new(Mutex::new(org(&cli)));
    let domain = lock(&org).options.domain.clone();
    let server = fake_org::serve(Arc::clone(&org), TcpListener::bind("127.0.0.1:0").await?).await;
    let secret = serde_json::json!({"domain": domain, "client_id": DEMO_CLIENT_ID, "client_secret": DEMO_CLIENT_SECRET});
    println!(
        "{}",
        serde_json::json!({"url": server.url, "secret": secret})
    );
    obey(&org, BufReader::new(stdin()).lines()).await
}

fn lock(org: &Mutex<Org>) -> std::sync::MutexGuard<'_, Org> {
    org.lock().unwrap_or_else(PoisonError::into_inner)
}

fn org(cli: &Cli) -> Org {
    let now = Timestamp::now();
    let mut org = match cli.streamed {
        Some(users) => Org::streamed(users, now),
        None => Org::bench(&BenchOptions {
            events: cli.events,
            ..BenchOptions::of_users(cli.users, now)
        }),
    };
    org.options.clock = Clock::Real;
    org.options.latency_ms = cli.latency_ms;
    if let Some(per_minute) = cli.groups_a_minute {
        org.options.limits = Limits::none().set(Class::Groups, per_minute);
    }
    org.refuse_factors(cli.refused_factors);
    if cli.hanging_group {
        org.hang_a_group();
    }
    org
}

async fn obey(org: &Mutex<Org>, mut orders: Lines<BufReader<Stdin>>) -> Result<(), Box<dyn Error>> {
    while let Some(order) = orders.next_line().await? {
        let (what, count) = order.split_once(' ').ok_or("expected: <what> <count>")?;
        let count: usize = count.parse()?;
        lock(org).change(what.parse()?, count);
        println!("{count}");
    }
    Ok(())
}

//! Three real nats-servers that form one JetStream cluster on loopback, and what can be done to each of them.
//!
//! Every server has a directory, ports and a name of its own; nothing is written before the names were read back.
//! Servers are counted from 0. Who leads what is asked in `leaders`.

use super::page::page;
use super::routes::Routes;
use super::wait::{DEADLINE, wait_within};
use super::wire::Wire;
use crate::server::Server;
use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Servers of a cluster.
pub const SERVERS: usize = 3;
/// How long a server of a cluster may take for an answer before another one is asked.
pub const SILENCE: Duration = Duration::from_secs(2);

/// A cluster of three servers; dropping it ends them.
pub struct Cluster {
    servers: Vec<Server>,
    routes: Routes,
    /// Where each server's monitoring listens.
    monitors: Vec<u16>,
    /// Servers that cannot answer for the whole now: killed, stopped, or cut off.
    away: [bool; SERVERS],
}

impl Cluster {
    /// Servers that reach each other directly.
    pub fn start() -> Cluster {
        Cluster::start_with(false, |_| String::new())
    }

    /// Servers whose routes go through proxies, so that [`Cluster::cut_off`] works.
    pub fn start_proxied() -> Cluster {
        Cluster::start_with(true, |_| String::new())
    }

    /// The same with more lines in each server's configuration.
    pub fn start_with(proxied: bool, more: impl Fn(usize) -> String) -> Cluster {
        // Between the release of a free port and a server's bind somebody else may take it: then take others.
        let mut log = String::new();
        for _ in 0..5 {
            match Cluster::try_start(proxied, &more) {
                Ok(cluster) => return cluster,
                Err(said) => log = said,
            }
        }
        panic!("no cluster in five attempts: {log}");
    }

    fn try_start(proxied: bool, more: &impl Fn(usize) -> String) -> Result<Cluster, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sidestream-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let ports = free_ports(2 * SERVERS);
        let (routes, monitors) = ports.split_at(SERVERS);
        let routes = if proxied { Routes::proxied(routes) } else { Routes::direct(routes) };
        let servers: Result<Vec<Server>, String> = (0..SERVERS)
            .map(|n| {
                let lines = routes.lines(&name, n);
                let duck = "lame_duck_grace_period: 1s\nlame_duck_duration: 30s";
                Server::try_start(&format!("http: \"127.0.0.1:{}\"\n{duck}\n{lines}\n{}", monitors[n], more(n)))
            })
            .collect();
        let cluster = Cluster { servers: servers?, routes, monitors: monitors.to_vec(), away: [false; SERVERS] };
        for n in 0..SERVERS {
            let varz = cluster.monitor(n, "/varz").ok_or("no answer from the monitoring port")?;
            assert_eq!(varz["server_name"].as_str(), Some(cluster.name(n)), "somebody else's monitoring port");
        }
        wait_within(DEADLINE, "a leader of the cluster", || cluster.meta_leader());
        Ok(cluster)
    }

    /// All servers as `nats.url` takes them.
    pub fn urls(&self) -> String {
        self.servers.iter().map(Server::url).collect::<Vec<_>>().join(",")
    }

    /// One server's URL.
    pub fn url(&self, server: usize) -> String {
        self.servers[server].url()
    }

    /// Where a server takes clients.
    pub fn address(&self, server: usize) -> SocketAddr {
        self.servers[server].address()
    }

    /// A server's name, as answers of the API have it.
    pub fn name(&self, server: usize) -> &str {
        self.servers[server].name()
    }

    /// The server of that name.
    pub fn named(&self, name: &str) -> Option<usize> {
        (0..SERVERS).find(|n| self.name(*n) == name)
    }

    /// The servers that can answer for the whole.
    pub fn well(&self) -> impl Iterator<Item = usize> {
        let away = self.away;
        (0..SERVERS).filter(move |n| !away[*n])
    }

    /// A connection to a server that can answer for the whole; waits for one.
    pub fn wire(&self) -> Wire {
        wait_within(DEADLINE, "a server that answers", || {
            self.well().find_map(|n| Wire::connect_within(self.address(n), SILENCE).ok())
        })
    }

    /// The leader of the cluster itself, as the servers' monitoring has it.
    pub fn meta_leader(&self) -> Option<usize> {
        self.well().find_map(|n| {
            let jsz = self.monitor(n, "/jsz")?;
            self.named(jsz["meta_cluster"]["leader"].as_str()?)
        })
    }

    /// A page of a server's monitoring.
    pub fn monitor(&self, server: usize, path: &str) -> Option<Value> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.monitors[server]));
        serde_json::from_str(&page(address, path)?.1).ok()
    }

    /// Ends a server as a crash would; its store stays.
    pub fn kill(&mut self, server: usize) {
        self.away[server] = true;
        self.servers[server].kill();
    }

    /// Starts a server again on its ports and its store, after it was killed or while it runs.
    pub fn restart(&mut self, server: usize) {
        self.servers[server].restart();
        self.away[server] = false;
    }

    /// Asks a server to end: `-TERM` at once, `-USR2` in lame duck mode; waits for its end.
    pub fn end(&mut self, server: usize, signal: &str) {
        self.away[server] = true;
        self.servers[server].signal(signal);
        wait_within(DEADLINE, "a server's end", || (!self.servers[server].runs()).then_some(()));
        self.servers[server].kill();
    }

    /// Stops a server without ending it: connections stay open and nothing answers.
    pub fn freeze(&mut self, server: usize) {
        self.away[server] = true;
        self.servers[server].pause();
    }

    /// Lets a stopped server go on.
    pub fn thaw(&mut self, server: usize) {
        self.servers[server].resume();
        self.away[server] = false;
    }

    /// Nothing passes between a server and the others; clients still reach it.
    pub fn cut_off(&mut self, server: usize) {
        self.away[server] = true;
        self.routes.cut_off(server);
    }

    /// The server that was cut off is back.
    pub fn heal(&mut self, server: usize) {
        self.routes.heal(server);
        self.away[server] = false;
    }

    /// Copies a server's store into a directory that is not there yet; the server must be down or stopped.
    pub fn keep_store(&self, server: usize, into: &Path) {
        assert!(self.away[server], "a server at work changes its store");
        copy(&self.servers[server].store_dir(), into);
    }

    /// Replaces a dead server's store by a kept one, or by nothing.
    pub fn replace_store(&mut self, server: usize, by: Option<&Path>) {
        assert!(!self.servers[server].runs(), "a server at work keeps its store open");
        std::fs::remove_dir_all(self.servers[server].store_dir()).unwrap();
        if let Some(kept) = by {
            copy(kept, &self.servers[server].store_dir());
        }
    }
}

/// So many ports that are free just now, all different.
fn free_ports(count: usize) -> Vec<u16> {
    let held: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    held.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}

/// Copies a directory with everything in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let into = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &into);
        } else {
            std::fs::copy(entry.path(), into).unwrap();
        }
    }
}

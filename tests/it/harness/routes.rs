//! The routes between the servers of a cluster: direct, or each through a TCP proxy, so that one server can be cut
//! off from the others while clients still reach it.
//!
//! A proxy stands for one direction between two servers. What a cut holds back arrives when it is over, as it does
//! on a network whose packets are sent again.

use crate::proxy::Proxy;
use std::net::SocketAddr;
use tokio::runtime::Runtime;

/// A port on which nothing listens. Servers tell each other where they are reached; through this address nobody
/// finds a way around the proxies.
const NOWHERE: &str = "127.0.0.1:9";

/// The routes of a cluster.
pub struct Routes {
    /// Where each server takes routes.
    ports: Vec<u16>,
    /// `proxies[from][to]`; empty where routes are direct.
    proxies: Vec<Vec<Option<Proxy>>>,
    _runtime: Option<Runtime>,
}

impl Routes {
    /// Servers that reach each other directly.
    pub fn direct(ports: &[u16]) -> Routes {
        Routes { ports: ports.to_vec(), proxies: Vec::new(), _runtime: None }
    }

    /// Servers that reach each other through proxies.
    pub fn proxied(ports: &[u16]) -> Routes {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let start = |from: usize, to: usize| {
            (from != to).then(|| runtime.block_on(Proxy::start(SocketAddr::from(([127, 0, 0, 1], ports[to])))))
        };
        let proxies = (0..ports.len()).map(|from| (0..ports.len()).map(|to| start(from, to)).collect()).collect();
        Routes { ports: ports.to_vec(), proxies, _runtime: Some(runtime) }
    }

    /// The lines of a server's configuration about its routes.
    pub fn lines(&self, cluster: &str, from: usize) -> String {
        let direct = |to: usize| format!("nats://127.0.0.1:{}", self.ports[to]);
        let url = |to: usize| self.proxy(from, to).map_or_else(|| direct(to), Proxy::url);
        let urls: Vec<String> =
            (0..self.ports.len()).filter(|to| *to != from).map(|to| format!("\"{}\"", url(to))).collect();
        let advertise = if self.proxies.is_empty() { "" } else { NOWHERE };
        let advertise = if advertise.is_empty() { String::new() } else { format!("advertise: \"{advertise}\"") };
        let (port, urls) = (self.ports[from], urls.join(", "));
        format!("cluster {{ name: \"{cluster}\", listen: \"127.0.0.1:{port}\", {advertise}\n routes: [{urls}] }}")
    }

    fn proxy(&self, from: usize, to: usize) -> Option<&Proxy> {
        self.proxies.get(from)?.get(to)?.as_ref()
    }

    /// The proxies of both directions between one server and the others.
    fn around(&self, server: usize) -> impl Iterator<Item = &Proxy> {
        assert!(!self.proxies.is_empty(), "the routes of this cluster are direct");
        (0..self.ports.len()).flat_map(move |other| [self.proxy(server, other), self.proxy(other, server)]).flatten()
    }

    /// Nothing passes between this server and the others; the connections stay open.
    pub fn cut_off(&self, server: usize) {
        self.around(server).for_each(Proxy::half_open);
    }

    /// Everything passes again.
    pub fn heal(&self, server: usize) {
        self.around(server).for_each(Proxy::restore);
    }
}

//! A network that fails: a TCP proxy that cuts, truncates, delays and garbles both directions at
//! random, from a seed, until it is told to be calm. It can also fall mute: it accepts and takes
//! octets, and nothing ever comes back.
//!
//! Garbling belongs on connections with TLS only: there a changed octet breaks its record, and the
//! client must see that. Without TLS a changed octet inside a mail is simply another mail, which no
//! program on earth can notice.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// How bad the weather is.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// Octets of one direction of a connection between two faults, on average.
    pub every: u64,
    /// The longest delay.
    pub delay: Duration,
    /// Garbles too; for connections with TLS.
    pub garbles: bool,
    pub seed: u64,
}

/// How often each fault happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub connections: u32,
    pub cut: u32,
    pub truncated: u32,
    pub delayed: u32,
    pub garbled: u32,
}

const STORMY: u8 = 0;
const CALM: u8 = 1;
const MUTE: u8 = 2;

#[derive(Debug)]
struct State {
    target: u16,
    weather: Weather,
    mood: AtomicU8,
    connections: AtomicU32,
    faults: [AtomicU32; 4],
    /// Rung when every connection there is shall end.
    hang_up: Notify,
    stop: Notify,
}

/// A running proxy on loopback.
#[derive(Debug)]
pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Begins calm; `target` is a port of loopback.
    pub fn start(target: u16, weather: Weather) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            target,
            weather,
            mood: AtomicU8::new(CALM),
            connections: AtomicU32::default(),
            faults: Default::default(),
            hang_up: Notify::new(),
            stop: Notify::new(),
        });
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = shared.stop.notified() => {}
                    () = accept(TcpListener::from_std(listener).unwrap(), &shared) => {}
                }
            });
        });
        Self { port, state, thread: Some(thread) }
    }

    /// A proxy that is only ever calm or mute.
    pub fn fair(target: u16) -> Self {
        Self::start(target, Weather { every: 1, delay: Duration::ZERO, garbles: false, seed: 1 })
    }

    /// Faults begin.
    pub fn storm(&self) {
        self.state.mood.store(STORMY, Ordering::SeqCst);
    }

    /// Faults end.
    pub fn calm(&self) {
        self.state.mood.store(CALM, Ordering::SeqCst);
    }

    /// From now on nothing comes through, on old connections and on new ones; none is closed.
    pub fn mute(&self) {
        self.state.mood.store(MUTE, Ordering::SeqCst);
    }

    /// Ends every connection there is.
    pub fn hang_up(&self) {
        self.state.hang_up.notify_waiters();
    }

    pub fn tally(&self) -> Tally {
        let [cut, truncated, delayed, garbled] =
            std::array::from_fn(|at| self.state.faults[at].load(Ordering::SeqCst));
        let connections = self.state.connections.load(Ordering::SeqCst);
        Tally { connections, cut, truncated, delayed, garbled }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, state: &Arc<State>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let number = state.connections.fetch_add(1, Ordering::SeqCst);
        let state = Arc::clone(state);
        tokio::spawn(async move {
            tokio::select! {
                () = state.hang_up.notified() => {}
                () = carry(client, &state, number) => {}
            }
        });
    }
}

async fn carry(client: TcpStream, state: &State, number: u32) {
    let target = SocketAddr::from((Ipv4Addr::LOCALHOST, state.target));
    let Ok(server) = TcpStream::connect(target).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    let chance = |side: u64| Chance(state.weather.seed ^ (u64::from(number) << 1 | side) << 20);
    let up = Pump { from: client_in, to: server_out, chance: chance(0) };
    let down = Pump { from: server_in, to: client_out, chance: chance(1) };
    // The end of one direction is the end of both, as when a router dies.
    tokio::select! {
        () = up.run(state) => {}
        () = down.run(state) => {}
    }
}

/// What happens to the octets at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Cut,
    Truncate,
    Delay,
    Garble,
}

struct Pump {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    chance: Chance,
}

impl Pump {
    async fn run(mut self, state: &State) {
        let mut octets = vec![0; 16 << 10];
        let mut left = self.chance.below(2 * state.weather.every);
        loop {
            let Ok(count @ 1..) = self.from.read(&mut octets).await else { return };
            let piece = &mut octets[..count];
            let length = u64::try_from(count).unwrap();
            match state.mood.load(Ordering::SeqCst) {
                MUTE => continue,
                STORMY if left < length => {
                    let at = usize::try_from(left).unwrap();
                    left = self.chance.below(2 * state.weather.every);
                    if !self.strike(state, piece, at).await {
                        return;
                    }
                }
                STORMY => left -= length,
                _ => {}
            }
            if self.to.write_all(piece).await.is_err() {
                return;
            }
        }
    }

    /// One fault at this octet; false when the connection is over.
    async fn strike(&mut self, state: &State, piece: &mut [u8], at: usize) -> bool {
        let kinds = if state.weather.garbles { 4 } else { 3 };
        let fault = [Fault::Cut, Fault::Truncate, Fault::Delay, Fault::Garble]
            [usize::try_from(self.chance.below(kinds)).unwrap()];
        state.faults[fault as usize].fetch_add(1, Ordering::SeqCst);
        match fault {
            Fault::Cut => false,
            Fault::Truncate => {
                let _ = self.to.write_all(&piece[..at]).await;
                false
            }
            Fault::Delay => {
                let longest = u64::try_from(state.weather.delay.as_millis()).unwrap();
                tokio::time::sleep(Duration::from_millis(self.chance.below(longest + 1))).await;
                true
            }
            Fault::Garble => {
                piece[at] ^= 1 << self.chance.below(8);
                true
            }
        }
    }
}

/// Seeded chance (SplitMix64).
#[derive(Debug, Clone, Copy)]
pub struct Chance(pub u64);

impl Chance {
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 for 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }
}

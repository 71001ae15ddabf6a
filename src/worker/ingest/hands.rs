//! The two threads on which mails are sealed and understood. Takes pieces of work and gives their
//! results as they are asked for; a piece that panics or never ends is its own trouble alone. Two
//! threads of their own and not the runtime's: each thread that ever meets a mail keeps a cache for
//! every pattern it matched, some ten megabytes. Never touches store or server.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Pieces of work that run at the same time.
const THREADS: usize = 2;
/// Deep mail is bounded by `intake::limits`; this is what Rust gives a thread by default.
const STACK: usize = 2 << 20;

/// Why a piece of work gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It panicked, or no thread could be had.
    Crash,
    /// It ran over its deadline; its thread is left to itself and replaced.
    Timeout,
}

impl Lost {
    /// The code the ledger stores as its reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Timeout => "timeout",
        }
    }
}

/// How far a piece of work is.
#[derive(Debug, Default, Clone, Copy)]
enum Progress {
    #[default]
    Waiting,
    Since(Instant),
    Ended,
    GivenUp,
}

struct Job {
    work: Box<dyn FnOnce() + Send>,
    progress: Arc<Mutex<Progress>>,
}

#[derive(Default)]
struct Desk {
    waiting: VecDeque<Job>,
    threads: usize,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    desk: Mutex<Desk>,
    bell: Condvar,
}

/// Ends the threads when the last [`Hands`] is gone.
struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        lock(&self.0.desk).closed = true;
        self.0.bell.notify_all();
    }
}

/// The threads; cheap to clone. They begin with the first piece of work.
#[derive(Clone)]
pub struct Hands(Arc<Owner>);

impl Default for Hands {
    fn default() -> Self {
        Self(Arc::new(Owner(Arc::default())))
    }
}

impl std::fmt::Debug for Hands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<hands>")
    }
}

/// A piece of work that was handed over.
#[derive(Debug)]
pub struct Handed<T> {
    hands: Hands,
    result: oneshot::Receiver<T>,
    progress: Arc<Mutex<Progress>>,
}

/// A panic while a lock is held leaves plain counters behind, never half a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hands {
    /// Hands a piece of work over; it begins when a thread is free, in the order given.
    pub fn give<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Handed<T> {
        let (sender, result) = oneshot::channel();
        let progress = Arc::<Mutex<Progress>>::default();
        let work = Box::new(move || drop(sender.send(work())));
        let shared = &self.0.0;
        let mut desk = lock(&shared.desk);
        desk.waiting.push_back(Job { work, progress: progress.clone() });
        if desk.threads < THREADS {
            self.hire(&mut desk);
        }
        if desk.threads == 0 {
            // Not one thread to be had: nobody would ever come for it.
            desk.waiting.clear();
        }
        drop(desk);
        shared.bell.notify_one();
        Handed { hands: self.clone(), result, progress }
    }

    fn hire(&self, desk: &mut Desk) {
        let shared = self.0.0.clone();
        let thread = std::thread::Builder::new().name("understand".to_owned()).stack_size(STACK);
        if thread.spawn(move || serve(&shared)).is_ok() {
            desk.threads += 1;
        }
    }

    fn replace(&self) {
        let mut desk = lock(&self.0.0.desk);
        desk.threads = desk.threads.saturating_sub(1);
        self.hire(&mut desk);
    }
}

/// What each thread does until the desk closes.
fn serve(shared: &Shared) {
    while let Some(job) = next(shared) {
        *lock(&job.progress) = Progress::Since(Instant::now());
        // The waiting side learns of a panic by the sender that is dropped with the work.
        let _ = catch_unwind(AssertUnwindSafe(job.work));
        let mut progress = lock(&job.progress);
        if matches!(*progress, Progress::GivenUp) {
            return;
        }
        *progress = Progress::Ended;
    }
}

fn next(shared: &Shared) -> Option<Job> {
    let mut desk = lock(&shared.desk);
    loop {
        if let Some(job) = desk.waiting.pop_front() {
            return Some(job);
        }
        if desk.closed {
            return None;
        }
        desk = shared.bell.wait(desk).unwrap_or_else(PoisonError::into_inner);
    }
}

impl<T> Handed<T> {
    /// Waits for the result; `deadline` counts from the moment at which a thread took it up.
    ///
    /// # Errors
    /// [`Lost`] when there will be none.
    pub async fn wait(mut self, deadline: Duration) -> Result<T, Lost> {
        loop {
            let left = match *lock(&self.progress) {
                Progress::Since(since) => deadline.saturating_sub(since.elapsed()),
                _ => deadline,
            };
            match tokio::time::timeout(left, &mut self.result).await {
                Ok(result) => return result.map_err(|_| Lost::Crash),
                Err(_) if self.give_up(deadline) => return Err(Lost::Timeout),
                Err(_) => {}
            }
        }
    }

    /// Leaves a piece that is overdue; one that still waits for a thread is not.
    fn give_up(&self, deadline: Duration) -> bool {
        let mut progress = lock(&self.progress);
        let overdue = matches!(*progress, Progress::Since(since) if since.elapsed() >= deadline);
        if overdue {
            *progress = Progress::GivenUp;
            drop(progress);
            self.hands.replace();
        }
        overdue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn results_come_in_the_order_asked_for() {
        let hands = Hands::default();
        let handed: Vec<_> = (0..50).map(|n| hands.give(move || n * 2)).collect();
        for (n, one) in handed.into_iter().enumerate() {
            assert_eq!(one.wait(LONG).await, Ok(n * 2));
        }
        assert_eq!(lock(&hands.0.0.desk).threads, THREADS);
    }

    #[tokio::test]
    async fn l25_a_panic_is_the_trouble_of_one() {
        let hands = Hands::default();
        let bad: Vec<_> = (0..4).map(|_| hands.give(|| -> u8 { panic!("poison") })).collect();
        let good = hands.give(|| 7);
        for one in bad {
            assert_eq!(one.wait(LONG).await, Err(Lost::Crash));
        }
        assert_eq!(good.wait(LONG).await, Ok(7));
    }

    #[tokio::test]
    async fn l25_what_never_ends_holds_nobody_up() {
        let hands = Hands::default();
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let stalled: Vec<_> = (0..THREADS)
            .map(|_| {
                let stop = stop.clone();
                hands.give(move || drop(stop.1.wait_while(lock(&stop.0), |stop| !*stop)))
            })
            .collect();
        // Both threads are taken: this one waits longer than its own deadline, and is not to blame.
        let behind = hands.give(|| 7);
        let short = Duration::from_millis(50);
        let (behind, stalled) = tokio::join!(behind.wait(LONG), async {
            let mut ends = Vec::new();
            for one in stalled {
                ends.push(one.wait(short).await);
            }
            ends
        });
        assert_eq!((behind, stalled), (Ok(7), vec![Err(Lost::Timeout); THREADS]));
        *lock(&stop.0) = true;
        stop.1.notify_all();
        assert_eq!(hands.give(|| 8).wait(LONG).await, Ok(8));
    }

    #[tokio::test]
    async fn the_threads_end_with_the_last_of_the_hands() {
        let hands = Hands::default();
        let shared = Arc::downgrade(&hands.0.0);
        assert_eq!(hands.give(|| 1).wait(LONG).await, Ok(1));
        drop(hands);
        let since = Instant::now();
        while shared.upgrade().is_some() {
            assert!(since.elapsed() < LONG, "a thread goes on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

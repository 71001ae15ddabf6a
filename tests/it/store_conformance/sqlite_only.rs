//! What only a file can promise: its mode, and that one of an older schema opens.

use std::os::unix::fs::PermissionsExt as _;

use sqlx::Connection as _;
use sqlx::migrate::Migrator;

use super::super::harness::Scratch;
use super::world::{Story, World};

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_file_is_its_owners_alone() {
    let scratch = Scratch::new("mode");
    let file = scratch.join("made here/50% #1?.db");
    let world = World::open(&format!("sqlite:{}", file.display()), scratch.path().into()).await;
    world.opened(&Story::new(1, "mary@clinic.example", "a@x.example")).await;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(&scratch.join("made here")), 0o700);
    for beside in ["-wal", "-shm"] {
        assert_eq!(mode(std::path::Path::new(&format!("{}{beside}", file.display()))), 0o600, "{beside}");
    }
    world.store.close().await;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    World::open(&format!("sqlite:{}", file.display()), scratch.path().into()).await.store.close().await;
    assert_eq!(mode(&file), 0o600);
}

#[tokio::test]
async fn a_database_of_an_older_schema_opens() {
    let scratch = Scratch::new("older");
    let url = format!("sqlite:{}", scratch.join("old.db").display());
    sqlx::any::install_default_drivers();
    let mut old = sqlx::AnyConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
    let all = Migrator::new(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite")));
    all.await.unwrap().run_to(1, &mut old).await.unwrap();
    let row = "INSERT INTO lease (name, run, fence, expires_at) VALUES ('sweep', zeroblob(16), 4, 0)";
    sqlx::query(row).execute(&mut old).await.unwrap();
    old.close().await.unwrap();
    let world = World::open(&url, scratch.path().into()).await;
    let name = mailward::store::LeaseName::Sweep;
    let lease = world.store.take_lease(&name, world.run, world.now, chrono::TimeDelta::seconds(1)).await;
    assert_eq!(lease.unwrap().unwrap().fence, 5, "what stood in it still stands");
    world.opened(&Story::new(1, "mary@clinic.example", "a@x.example")).await;
}

#[tokio::test]
async fn a_bad_url_is_told_apart() {
    let sealer = {
        let random = mailward::clock::Random::seeded(1);
        let ring = mailward::seal::KeyRing::generate(&random).unwrap();
        mailward::seal::Sealer::new(&mailward::seal::KeyRing::parse(&ring).unwrap()).unwrap()
    };
    let sealer = std::sync::Arc::new(sealer);
    for url in ["mysql://x", "sqlite:", "sqlite:/proc/none/x.db", "postgres://u@127.0.0.1:1/x"] {
        let opened = mailward::store::Store::open(url, sealer.clone()).await;
        assert!(matches!(opened, Err(mailward::store::StoreError::Unavailable(_))), "{url}: {opened:?}");
    }
}

//! A program built without the feature `fault-injection`, as every shipped one is, does not know the
//! header that orders a fault. Its twin with the feature stands in `poison`.

use super::lessons_support::{House, MARY, Mail, Plan};

#[tokio::test]
async fn l25_no_header_orders_a_fault_in_a_plain_build() {
    let house = House::open(&Plan::default()).await;
    for what in ["panic", "abort", "stall", "slow"] {
        let ended = house.take(&Mail::new(MARY, what).header("X-Mailward-Fault", what)).await;
        assert_eq!((ended.state, ended.action), ("committed", "new"), "{what}");
    }
}

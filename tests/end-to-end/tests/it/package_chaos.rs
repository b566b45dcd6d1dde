//! A short run of the chaos that `scripts/chaos` does at length.

use end_to_end::chaos::guards::{self, GUARDS};
use end_to_end::chaos::{self, Plan, faults};

use crate::package_world::package_source;

fn plan(saves: u32) -> Plan {
    Plan {
        saves,
        seed: 1,
        package: package_source(),
        stops_early: false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ninety_saves_fail_for_no_reason_of_ours_and_nothing_is_lost() {
    let report = chaos::run(&plan(90), |_, _| ()).await.unwrap();
    assert_eq!(report.violations, Vec::<String>::new(), "{report:#?}");
    assert!(report.saves >= 90 && report.compared > 90, "{report:#?}");
    // Most kinds of trouble were there; `scripts/chaos` meets each.
    let missed = faults::missed(&report.met);
    assert!(missed.len() < 40, "{missed:?} were not met: {report:#?}");
    assert!(report.found_by_comparison > 0, "{report:#?}");
}

#[test]
fn every_guard_is_where_the_list_of_guards_says() {
    for guard in GUARDS {
        let folder = tempfile::tempdir().unwrap();
        guards::without(guard, &package_source(), &folder.path().join("package")).unwrap();
    }
}

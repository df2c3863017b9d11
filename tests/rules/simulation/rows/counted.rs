//! Exactly once: every event, whatever positions the log gives.

use jiff::SignedDuration;

use super::super::driver::{Run, Settings};
use super::super::truth::{counted, uses};
use super::super::world::{Fault, How, LogHabit};
use super::scene::{Scene, app, people};

fn sign_ins(scene: &mut Scene, people: &[String], app: &str) {
    scene.told(|org| {
        people
            .iter()
            .for_each(|person| assert!(org.sign_in(person) && org.sso(person, app)))
    });
}

fn assert_once(scene: &Scene, happened: u64) {
    let reader = &scene.simulation.bucket.reader;
    assert_eq!(
        uses(reader),
        (happened, happened),
        "sign-ins in the events, and counted"
    );
    assert_eq!(
        reader.records("activity").len(),
        scene.simulation.world.org.event_uuids().len()
    );
}

/// Four runs with six sign-ins each, of an org with a habit.
fn counted_once(habit: LogHabit) {
    let (mut org, people) = people(3);
    let app = app(&mut org, "App", &people);
    let mut scene = Scene::of(org);
    scene.world().log = habit;
    for run in 1..=4 {
        sign_ins(&mut scene, &people, &app);
        scene.settle();
        scene.minutes(5);
        assert_once(&scene, 6 * run);
    }
}

#[test]
fn a_page_that_repeats_the_last_event_of_the_run_before_counts_it_once() {
    counted_once(LogHabit::RepeatsLast);
}

#[test]
fn a_log_whose_next_link_is_itself_counts_each_event_once() {
    counted_once(LogHabit::NextIsItself);
}

#[test]
fn a_refused_position_counts_each_use_once_although_activity_is_off() {
    for off in [vec!["activity"], vec![]] {
        let (mut org, people) = people(9);
        let app = app(&mut org, "App", &people);
        let mut scene = Scene::with(
            org,
            Settings {
                off,
                ..Settings::default()
            },
        );
        sign_ins(&mut scene, &people, &app);
        scene.settle();
        scene.minutes(5);
        scene.trouble("", Fault::LogRefused(2));
        scene.settle();
        scene.minutes(5);
        scene.settle();
        assert_eq!(counted(&scene.simulation.bucket.reader), 18);
    }
}

#[test]
fn an_event_that_comes_hours_late_while_the_position_is_lost_is_collected() {
    for hours in [2, 5] {
        let (mut org, people) = people(3);
        let app = app(&mut org, "App", &people);
        let mut scene = Scene::of(org);
        scene.world().log = LogHabit::SinceIsPublished;
        // Late events were seen before.
        scene
            .world()
            .act(How::LateBy(hours * 60), true, |org| org.sign_in(&people[1]));
        scene.live(hours + 1);
        scene
            .world()
            .act(How::LateBy(hours * 60), true, |org| org.sign_in(&people[0]));
        for _ in 0..hours {
            sign_ins(&mut scene, &people, &app);
            scene.settle();
            scene.minutes(59);
        }
        scene.trouble("", Fault::LogRefused(2));
        scene.world().advance(SignedDuration::from_mins(hours + 1));
        scene.settle();
        scene.live(2);
        assert_once(&scene, 2 + 6 * hours as u64);
    }
}

#[test]
fn a_run_that_is_killed_around_its_commit_counts_each_event_once() {
    use super::super::driver::Kill;
    let (mut org, people) = people(3);
    let app = app(&mut org, "App", &people);
    let mut scene = Scene::of(org);
    for (n, kill) in [
        Kill::BeforeManifest(0),
        Kill::AfterManifest(0),
        Kill::Request(1),
    ]
    .into_iter()
    .enumerate()
    {
        sign_ins(&mut scene, &people, &app);
        scene.run(Run {
            kill: Some(kill),
            ..Run::default()
        });
        scene.trouble("", Fault::LogRefused(2));
        scene.settle();
        scene.minutes(5);
        assert_once(&scene, 6 * (n as u64 + 1));
    }
}

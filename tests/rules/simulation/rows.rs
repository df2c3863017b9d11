//! Kinds of trouble that Okta, its admins and ordinary days make, each as a small history. What has to be true of every
//! history is checked throughout (see `invariants`); each rule says besides what it is about.

mod scene;

mod believed;
mod counted;
mod endless;
mod too_soon;

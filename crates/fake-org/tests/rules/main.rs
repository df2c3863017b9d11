//! The rules that the fake org keeps, one module a theme.

mod access;
mod changes;
mod demo;
mod effects;
mod faults;
mod large;
mod limits;
mod lists;
mod logs;
mod mishaps;
mod paging;
mod program;
mod recorded;
mod roles;
mod signed;
mod support;

//! The rules that the fake org keeps, one module a theme.

mod logs;
mod paging;
mod support;

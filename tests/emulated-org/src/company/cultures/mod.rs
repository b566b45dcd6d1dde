//! The words of each country. All names of people, companies and goods are made up.

pub mod american;
pub mod arabic;
pub mod british;
pub mod chinese;
pub mod french;
pub mod german;
pub mod japanese;
pub mod polish;
pub mod spanish;
pub mod turkish;

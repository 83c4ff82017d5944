//! Counts the cells of the matrix and gathers what is wrong, so that one fault does not hide others.

use crate::support::spec::spec;
use crate::support::{Answer, Ask, World};

#[derive(Default)]
pub struct Tally {
    cells: usize,
    wrong: Vec<String>,
}

impl Tally {
    /// One cell.
    pub fn cell(&mut self, id: &str, check: &str, is_right: bool, answer: &Answer) {
        self.cells += 1;
        if !is_right {
            let mut body = String::from_utf8_lossy(&answer.body).into_owned();
            body.truncate(body.floor_char_boundary(400));
            let status = answer.status;
            self.wrong.push(format!("{id} x {check}: {status} {body}"));
        }
    }

    /// A request that is served.
    pub async fn good(
        &mut self,
        world: &World,
        id: &str,
        check: &str,
        ask: &Ask,
        status: u16,
    ) -> Answer {
        let answer = self.judged(world, id, check, ask).await;
        let check = format!("{check} is {status}");
        self.cell(id, &check, answer.status == status, &answer);
        answer
    }

    /// A request that is refused, with this status and code.
    pub async fn refused(
        &mut self,
        world: &World,
        id: &str,
        check: &str,
        ask: &Ask,
        status: u16,
        code: &str,
    ) -> Answer {
        let answer = self.judged(world, id, check, ask).await;
        let is_right = (answer.status, answer.code().as_str()) == (status, code);
        let check = format!("{check} is {status} {code}");
        self.cell(id, &check, is_right, &answer);
        answer
    }

    /// The answer, held against the OpenAPI file.
    async fn judged(&mut self, world: &World, id: &str, check: &str, ask: &Ask) -> Answer {
        let answer = world.send(ask).await;
        for wrong in spec().judge(ask, &answer) {
            self.wrong
                .push(format!("{id} x {check}: {} {wrong}", answer.status));
        }
        answer
    }

    /// Says how many there were, and fails if any was wrong.
    pub fn close(self, what: &str) {
        let operations = spec().operations.len();
        println!("{} cells over {operations} operations, {what}", self.cells);
        let wrong = self.wrong;
        assert!(
            wrong.is_empty(),
            "{} wrong:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }
}

//! A queue of streams that supports removal from any position in constant time.

use crate::frame::StreamId;

/// Marks the absence of a node.
const NONE: u32 = u32::MAX;

/// Capacity kept in an empty queue.
const KEPT: usize = 512;

/// Streams in FIFO order: a linked list within a vector, whose free nodes form a second list.
#[derive(Debug)]
pub(crate) struct Line {
    nodes: Vec<Node>,
    front: u32,
    back: u32,
    free: u32,
}

#[derive(Debug)]
struct Node {
    id: StreamId,
    ahead: u32,
    behind: u32,
}

/// A stream's position in a queue, invalid once the stream has been removed.
#[derive(Debug)]
pub(crate) struct Ticket(u32);

impl Default for Line {
    fn default() -> Self {
        Line { nodes: Vec::new(), front: NONE, back: NONE, free: NONE }
    }
}

impl Line {
    pub(crate) fn is_empty(&self) -> bool {
        self.front == NONE
    }

    pub(crate) fn push_back(&mut self, id: StreamId) -> Ticket {
        let node = self.add(Node { id, ahead: self.back, behind: NONE });
        self.link(self.back, node);
        self.link(node, NONE);
        Ticket(node)
    }

    pub(crate) fn push_front(&mut self, id: StreamId) -> Ticket {
        let front = self.front;
        let node = self.add(Node { id, ahead: NONE, behind: front });
        self.link(NONE, node);
        self.link(node, front);
        Ticket(node)
    }

    /// Removes and returns the first stream, which invalidates its ticket.
    pub(crate) fn pop_front(&mut self) -> Option<StreamId> {
        let id = self.nodes.get(self.front as usize)?.id;
        self.unlink(self.front);
        Some(id)
    }

    /// Removes a stream.
    pub(crate) fn remove(&mut self, ticket: Ticket) {
        self.unlink(ticket.0);
    }

    /// Stores a node in a free place.
    fn add(&mut self, node: Node) -> u32 {
        match self.nodes.get_mut(self.free as usize) {
            Some(place) => {
                let index = self.free;
                self.free = place.behind;
                *place = node;
                index
            }
            None => {
                self.nodes.push(node);
                // Fits: stream identifiers have 31 bits.
                (self.nodes.len() - 1) as u32
            }
        }
    }

    /// Links two nodes; `NONE` stands for the end of the queue.
    fn link(&mut self, ahead: u32, behind: u32) {
        match self.nodes.get_mut(ahead as usize) {
            Some(node) => node.behind = behind,
            None => self.front = behind,
        }
        match self.nodes.get_mut(behind as usize) {
            Some(node) => node.ahead = ahead,
            None => self.back = ahead,
        }
    }

    fn unlink(&mut self, index: u32) {
        let Some(node) = self.nodes.get_mut(index as usize) else { return };
        let (ahead, behind) = (node.ahead, node.behind);
        node.behind = self.free;
        self.free = index;
        self.link(ahead, behind);
        if self.is_empty() {
            self.nodes.clear();
            if self.nodes.capacity() > KEPT {
                self.nodes.shrink_to(KEPT);
            }
            self.free = NONE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> StreamId {
        StreamId::from_wire(n)
    }

    fn drain(line: &mut Line) -> Vec<u32> {
        std::iter::from_fn(|| line.pop_front()).map(StreamId::get).collect()
    }

    #[test]
    fn streams_come_out_in_the_order_in_which_they_stand() {
        let mut line = Line::default();
        let _ = (line.push_back(id(1)), line.push_back(id(2)), line.push_front(id(3)));
        assert_eq!(drain(&mut line), [3, 1, 2]);
        assert!(line.is_empty());
    }

    #[test]
    fn any_stream_can_be_taken_out() {
        for leaving in 0..4 {
            let mut line = Line::default();
            let mut tickets: Vec<_> = (0..4).map(|n| line.push_back(id(n))).collect();
            line.remove(tickets.remove(leaving));
            let _ = line.push_back(id(9));
            let rest = (0..4).filter(|&n| n != leaving as u32).chain([9]);
            assert_eq!(drain(&mut line), rest.collect::<Vec<_>>());
        }
    }

    #[test]
    fn nodes_are_used_again_and_given_back() {
        let mut line = Line::default();
        let first = line.push_back(id(0));
        for n in 1..1_000 {
            let newest = line.push_back(id(n));
            line.remove(newest);
        }
        assert!(line.nodes.len() <= 2);
        line.remove(first);
        for n in 0..10_000 {
            line.push_back(id(n));
        }
        drain(&mut line);
        assert!(line.nodes.capacity() <= KEPT);
    }
}

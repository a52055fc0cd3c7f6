//! An action as one future that tells how far it is: the stream that [`Action::invoke`](super::provider::Action)
//! returns, without a task of its own.

use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::stream::{self, BoxStream, StreamExt};

use super::diagnostics::Diagnostics;
use super::provider::ActionEvent;

/// Takes what a running action has to tell.
#[derive(Debug, Clone)]
pub struct Teller(UnboundedSender<ActionEvent>);

impl Teller {
    /// Tells a line.
    pub fn say(&self, message: impl Into<String>) {
        self.send(ActionEvent::Progress(message.into()));
    }

    /// Tells a line together with how much of how much is done.
    pub fn advance(&self, message: impl Into<String>, done: u64, total: u64) {
        self.send(ActionEvent::Advance {
            message: message.into(),
            done,
            total,
        });
    }

    /// A client that is gone needs to hear nothing more; the work ends by itself.
    fn send(&self, event: ActionEvent) {
        let _unheard = self.0.unbounded_send(event);
    }
}

/// Runs the work while the stream is read; its diagnostics are the last event.
pub fn told<F>(work: impl FnOnce(Teller) -> F) -> BoxStream<'static, ActionEvent>
where
    F: Future<Output = Diagnostics> + Send + 'static,
{
    let (sender, events) = unbounded();
    let teller = Teller(sender);
    let work = work(teller.clone());
    // The end goes through the channel as well, so that nothing told before comes behind it.
    let run = stream::once(async move { teller.send(ActionEvent::Completed(work.await)) });
    stream::select(events.map(Some), run.map(|()| None))
        .filter_map(std::future::ready)
        .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_told_comes_in_order_and_the_end_is_last() {
        let events = told(|teller| async move {
            teller.say("begun");
            tokio::task::yield_now().await;
            teller.advance("half", 1, 2);
            let mut diagnostics = Diagnostics::new();
            diagnostics.warning("odd", "");
            diagnostics
        });
        let events: Vec<_> = events.collect().await;
        let [
            ActionEvent::Progress(begun),
            ActionEvent::Advance {
                done: 1, total: 2, ..
            },
            ActionEvent::Completed(said),
        ] = events.as_slice()
        else {
            panic!("{events:?}");
        };
        assert_eq!(begun, "begun");
        assert!(!said.is_empty() && !said.has_error());
    }
}

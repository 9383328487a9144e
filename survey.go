package ringcast

import (
	"context"
	"iter"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A SurveyConfig says when a survey has enough answers. The zero value, like nil, waits for
// all who are asked.
type SurveyConfig struct {
	// Quorum is how many answers are enough. Zero means to wait for all who are asked.
	Quorum int
	// Marks say what the payload of the question is. Zero means raw bytes.
	Marks Marks
}

// A surveying is what a call knows of its survey; guarded by the desk's mu.
type surveying struct {
	topic  string
	asked  map[Address]bool // who has not answered, and whether he is there; in the end nobody
	answer map[Address]bool // who has answered
	quorum int
	got    int
}

// A surveyTopic is a topic that we have asked questions on.
type surveyTopic struct{ publisher *Publisher }

// Survey publishes a question on a topic and iterates over the answers as they come. Every
// subscriber may answer with Message.Reply. The loop ends with the quorum, when all
// participants that subscribe to the topic now have answered or are gone, or at the
// context's deadline (10 s if there is none), whose error is then the last. Every turn has
// either an answer or the last error. Answers that come later are dropped.
//
// Errors: those of Publish; *OverloadedError if more are asked than Config.InFlight allows;
// *TimedOutError, which is context.DeadlineExceeded; context.Canceled; ErrClosed.
func (b *Bus) Survey(ctx context.Context, topic string, payload []byte, cfg *SurveyConfig) iter.Seq2[*Reply, error] {
	return func(yield func(*Reply, error) bool) {
		p, err := b.enterPost()
		if err != nil {
			yield(nil, err)
			return
		}
		defer p.leave()
		var c SurveyConfig
		if cfg != nil {
			c = *cfg
		}
		p.survey(ctx, topic, payload, &c, yield)
	}
}

func (p *post) survey(ctx context.Context, topic string, payload []byte, cfg *SurveyConfig, yield func(*Reply, error) bool) {
	pub, err := p.surveyPublisher(topic)
	if err != nil {
		yield(nil, err)
		return
	}
	asked := p.subscribers(topic)
	if len(asked) == 0 {
		return
	}
	d, err := p.desk()
	var c *call
	if err == nil {
		s := &surveying{topic: topic, asked: asked, answer: map[Address]bool{}, quorum: cfg.Quorum}
		c, err = d.begin(ctx, len(asked), errand{survey: s, marks: cfg.Marks, many: true})
	}
	if err != nil {
		yield(nil, err)
		return
	}
	d.handOut(ctx, c, p.question(ctx, d, c, pub, payload), yield)
}

// surveyPublisher is our publisher on a topic, for questions.
func (p *post) surveyPublisher(topic string) (*Publisher, error) {
	p.mu.Lock()
	t := p.surveys[topic]
	p.mu.Unlock()
	if t != nil {
		return t.publisher, nil
	}
	pub, err := p.bus.Publisher(topic, nil)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.surveys[topic]; t != nil {
		_ = pub.Close()
		return t.publisher, nil
	}
	p.surveys[topic] = &surveyTopic{pub}
	return pub, nil
}

// subscribers are the participants that subscribe to a topic, as far as they are known here.
func (p *post) subscribers(topic string) map[Address]bool {
	rows, _ := p.bus.domain.Participants()
	asked := map[Address]bool{}
	for _, row := range rows {
		for _, i := range row.Info.Interests {
			if row.Alive && !i.Publisher && (i.Name == topic || i.Pattern && shm.Match(i.Name, topic)) {
				asked[row.Address] = true
			}
		}
	}
	if p.bus.domain.ForwarderAlive() {
		p.addElsewhere(topic, asked)
	}
	return asked
}

// addElsewhere adds those of other nodes.
func (p *post) addElsewhere(topic string, asked map[Address]bool) {
	d, err := p.bus.domain.Directory()
	if err != nil {
		return
	}
	for i := range d.Nodes {
		n := &d.Nodes[i]
		for j := range n.Participants {
			r := &n.Participants[j]
			for k := range r.Info.Interests {
				if in := &r.Info.Interests[k]; !in.LocalOnly && wants(in, topic) {
					asked[Address{Node: n.Node, Epoch: n.Epoch, Index: r.Index, Generation: r.Generation}] = true
				}
			}
		}
	}
}

// departed reports whether an address of any node is nobody's any more.
func (p *post) departed(a Address) bool {
	if !p.away(a) {
		return p.gone(a)
	}
	err := p.standing(a)
	return err != nil
}

// question publishes the request of a survey.
func (p *post) question(ctx context.Context, d *desk, c *call, pub *Publisher, payload []byte) error {
	if err := pub.take(ctx); err != nil {
		return err
	}
	defer pub.free()
	if limit := pub.room - layout.AddressBlockSize; len(payload) > limit {
		return &TooLargeError{Size: len(payload), Limit: limit, Slots: pub.file.Shape().Slots, Payload: (len(payload) + layout.AddressBlockSize + 63) &^ 63}
	}
	var b block
	var meta ring.Meta
	l := c.letterOf(payload, ring.Now())
	l.stamp(&meta, &b, p.self)
	d.isSent(c, spot{}, Address{}) // before it is: answers may come at once
	err := pub.producer.TryPublish(payload, &meta)
	since := ring.Now()
	for err != nil {
		if err := pub.again(ctx, err, len(payload), since); err != nil {
			return err
		}
		err = pub.producer.TryPublish(payload, &meta)
	}
	return nil
}

// surveyed notes an answer; the desk's mu is held.
func (d *desk) surveyed(c *call, m *ring.Message, h *heading) {
	s := c.survey
	if m.Kind == layout.MessageKindReply { // an error is an answer, too, but nothing to hand out
		s.got++
		d.collect(c, m, h.source)
	}
	if !s.answer[h.source] {
		s.answer[h.source] = true
		delete(s.asked, h.source)
	}
	d.lessAsked(c)
}

// lessAsked ends a survey that has enough; mu is held.
func (d *desk) lessAsked(c *call) {
	s := c.survey
	if len(s.asked) == 0 || s.quorum > 0 && s.got >= s.quorum {
		if !c.settled {
			d.settle(c, nil)
		}
	}
}

// reviewSurvey looks who of those asked is gone: when what they have answered was read,
// nobody waits for them. mu is held.
func (d *desk) reviewSurvey(c *call, tail uint64) {
	for a, waited := range c.survey.asked {
		if waited && d.post.departed(a) {
			d.mourn(c, tail, a)
		}
	}
}

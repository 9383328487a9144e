package places

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
	"golang.org/x/sys/unix"
)

// An actor is the state of a puppet, within its process.
type actor struct {
	dir   string
	bus   *ringcast.Bus
	pub   *ringcast.Publisher
	sub   *ringcast.Subscription
	pubs  []*ringcast.Publisher // of populate
	watch *shm.Domain           // a second look at the same domain, not joined
}

// orders are what a puppet understands; each gets the words behind the order.
var orders = map[string]func(*actor, []string) (string, error){
	"open": (*actor).open, "publisher": (*actor).publisher, "subscribe": (*actor).subscribe, "publish": (*actor).publish,
	"next": (*actor).next, "claim": (*actor).claim, "mapping": (*actor).mapping, "alive": (*actor).alive,
	"sweep": (*actor).sweep, "deaths": (*actor).deaths, "pid": (*actor).pid, "umask": (*actor).umask, "close": (*actor).close,
	"mount": (*actor).mount, "fill": (*actor).fill, "limit": (*actor).limit, "populate": (*actor).populate, "laps": (*actor).laps,
	"private": (*actor).private, "lap": (*actor).timedLap,
}

// act does what the lines of the standard input say, until they end.
func act() {
	var a actor
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		words := strings.Fields(lines.Text())
		order := orders[words[0]]
		if order == nil {
			fmt.Printf("error: no such order %q\n", words[0])
			continue
		}
		text, err := order(&a, words[1:])
		if err != nil {
			fmt.Printf("error: %s\n", strings.ReplaceAll(err.Error(), "\n", " / "))
			continue
		}
		fmt.Println("ok", text)
	}
}

// word returns the i-th word, or nothing.
func word(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return ""
}

// rights reads MODE GROUP, where - is nothing.
func rights(words []string) (r ringcast.Rights, err error) {
	if m := word(words, 0); m != "" && m != "-" {
		r.Mode, err = shm.ParseMode(m)
	}
	r.Group = word(words, 1)
	return r, err
}

// open DIR [MODE [GROUP]]
func (a *actor) open(words []string) (string, error) {
	r, err := rights(words[1:])
	if err != nil {
		return "", err
	}
	a.dir = words[0]
	begin := time.Now()
	a.bus, err = ringcast.Open(context.Background(), &ringcast.Config{Dir: a.dir, Mode: r.Mode, Group: r.Group})
	if err != nil {
		return "", fmt.Errorf("%w (after %v)", err, time.Since(begin).Round(time.Microsecond))
	}
	if a.watch, err = shm.AttachDomain(&shm.Config{Base: a.dir}); err != nil {
		return "", err
	}
	return fmt.Sprint(a.bus.Address().Index), nil
}

func (a *actor) topicConfig(words []string) (*ringcast.PublisherConfig, error) {
	c := &ringcast.PublisherConfig{}
	var err error
	if c.Rights, err = rights(words); err != nil {
		return nil, err
	}
	if n := word(words, 2); n != "" {
		if c.SlotSize, err = strconv.Atoi(n); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// publisher TOPIC [MODE [GROUP [SLOTSIZE]]]
func (a *actor) publisher(words []string) (string, error) {
	c, err := a.topicConfig(words[1:])
	if err != nil {
		return "", err
	}
	begin := time.Now()
	a.pub, err = a.bus.Publisher(words[0], c)
	if err != nil {
		return "", fmt.Errorf("%w (after %v)", err, time.Since(begin).Round(time.Microsecond))
	}
	return "", nil
}

// subscribe PATTERN
func (a *actor) subscribe(words []string) (_ string, err error) {
	a.sub, err = a.bus.Subscribe(words[0], nil)
	return "", err
}

// publish TEXT
func (a *actor) publish(words []string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), generous/2)
	defer cancel()
	return "", a.pub.Publish(ctx, []byte(words[0]))
}

// next answers with the text of the next message.
func (a *actor) next([]string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), generous/2)
	defer cancel()
	m, err := a.sub.Next(ctx)
	if err != nil {
		return "", err
	}
	return string(m.Payload()), nil
}

// claim takes a claim and leaves it open.
func (a *actor) claim([]string) (string, error) {
	_, err := a.pub.Claim(context.Background(), 8)
	return "", err
}

// mapping TOPIC answers how the topic's slots are mapped, and whether the kernel
// would let the mapping become writable.
func (a *actor) mapping(words []string) (string, error) {
	dat, err := datPath(a.dir, words[0])
	if err != nil {
		return "", err
	}
	var st unix.Stat_t
	if err := unix.Stat(dat, &st); err != nil {
		return "", err
	}
	b, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return "", err
	}
	found := ""
	for _, line := range strings.Split(string(b), "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) >= 6 && fields[4] == fmt.Sprint(st.Ino): // its maker sees no name
			found = fields[1]
		case found != "" && strings.HasPrefix(line, "VmFlags:"):
			may := "fixed"
			if strings.Contains(line+" ", " mw ") {
				may = "may be written"
			}
			return found + " " + may, nil
		}
	}
	return "", fmt.Errorf("%s is not mapped", dat)
}

// alive answers with the indices that are LIVE, those of the dead marked.
func (a *actor) alive([]string) (string, error) {
	rows, err := a.watch.Participants()
	var out []string
	for _, r := range rows {
		state := "alive"
		if !r.Alive {
			state = "dead"
		}
		out = append(out, fmt.Sprintf("%d:%s", r.Index, state))
	}
	return strings.Join(out, " "), err
}

// sweep recovers the dead, and answers how many records became free.
func (a *actor) sweep([]string) (string, error) {
	n, err := ring.Sweep(a.watch)
	if err != nil {
		return "", fmt.Errorf("freed %d: %w", n, err)
	}
	return fmt.Sprint("freed ", n), nil
}

// deaths answers with the first death that it is told of.
func (a *actor) deaths([]string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), generous/2)
	defer cancel()
	dead := -1
	err := a.watch.Deaths(ctx, func(index uint16) { dead = int(index); cancel() })
	if dead < 0 {
		return "", err
	}
	return fmt.Sprint(dead), nil
}

func (a *actor) pid([]string) (string, error) { return fmt.Sprint(os.Getpid()), nil }

// umask OCTAL
func (a *actor) umask(words []string) (string, error) {
	m, err := strconv.ParseUint(words[0], 8, 16)
	unix.Umask(int(m))
	return "", err
}

// close leaves the domain.
func (a *actor) close([]string) (string, error) {
	err := errors.Join(a.watch.Close(), a.bus.Close())
	*a = actor{}
	return "", err
}

// datPath is the one data file of a topic.
func datPath(dir, topic string) (string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "default", "topics", topic+".*.dat"))
	if err == nil && len(paths) != 1 {
		err = fmt.Errorf("data files of %s: %v", topic, paths)
	}
	if err != nil {
		return "", err
	}
	return paths[0], nil
}

/* What work.c and work.cc do alike: one process reads or asks, one writes or answers. It is included behind what it
 * is made of: w, base, struct side, side_open, side_put, side_take and side_close. Each of these ends the program
 * where it fails. */
#ifndef RINGCAST_BENCH_ROLES_H
#define RINGCAST_BENCH_ROLES_H

static struct gate {
	int ready; /* sides that have opened what they read and write */
	int stop;  /* the reader has counted enough */
} *gate;

static void meet(void)
{
	(void)__atomic_fetch_add(&gate->ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&gate->ready, __ATOMIC_SEQ_CST) < 2)
		relax();
}

_Noreturn static void out_of_order(uint64_t tag)
{
	fprintf(stderr, "message %llx is not the next one\n", (unsigned long long)tag);
	exit(1);
}

static void produce(void *unused)
{
	(void)unused;
	struct side s;
	uint64_t i = 0;
	side_open(&s, "there", NULL);
	meet();
	while (!__atomic_load_n(&gate->stop, __ATOMIC_RELAXED))
		side_put(&s, ++i, 0);
	side_put(&s, (i + 1) | LAST_MARK, 0);
	side_close(&s);
}

static void consume(void *unused)
{
	(void)unused;
	struct side s;
	struct window v;
	side_open(&s, NULL, "there");
	meet();
	window_begin(&v, &w);
	for (uint64_t n = 0, stamp;;) {
		uint64_t tag = side_take(&s, &stamp);
		if ((tag & LAST_MARK) != 0)
			break;
		if (tag != ++n)
			out_of_order(tag);
		if (n % 1024 == 0 && v.measured_to == 0 && !window_turn(&v, n, now_ns()))
			__atomic_store_n(&gate->stop, 1, __ATOMIC_RELAXED);
	}
	side_close(&s);
	print_figure(window_rate(&v), NULL);
}

static void ping(void *unused)
{
	(void)unused;
	static struct histogram h;
	struct side s;
	struct window v;
	uint64_t i = 0, stamp;
	side_open(&s, "there", "back");
	meet();
	window_begin(&v, &w);
	for (uint64_t begin = now_ns(); window_turn(&v, i, begin);) {
		side_put(&s, ++i, 0);
		uint64_t tag = side_take(&s, &stamp);
		if (tag != i)
			out_of_order(tag);
		uint64_t end = now_ns();
		if (v.open)
			record(&h, end - begin);
		begin = end;
	}
	side_put(&s, i | LAST_MARK, 0);
	side_close(&s);
	print_figure(window_rate(&v), &h);
}

static void pong(void *unused)
{
	(void)unused;
	struct side s;
	side_open(&s, "back", "there");
	meet();
	for (uint64_t stamp, tag; ((tag = side_take(&s, &stamp)) & LAST_MARK) == 0;)
		side_put(&s, tag, stamp);
	side_close(&s);
}

static int run_roles(int argc, char **argv)
{
	char command[64];
	w = parse_work(argc, argv);
	if (mkdtemp(base) == NULL)
		die(base);
	gate = (struct gate *)shared_pages(sizeof *gate);
	if (strcmp(w.scenario, "pingpong") == 0)
		two_processes(&w, ping, pong, NULL);
	else
		two_processes(&w, consume, produce, NULL);
	(void)snprintf(command, sizeof command, "rm -rf %s", base);
	return system(command) != 0;
}

#endif

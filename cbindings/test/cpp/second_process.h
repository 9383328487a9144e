// A second process of a test: the same program in a role, which process_test.cc plays.
#ifndef SECOND_PROCESS_H
#define SECOND_PROCESS_H

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <string>

// A program that plays a role; its first line on the standard output is awaited.
class second_process {
public:
	second_process(const std::string &dir, const char *role)
	{
		int ends[2];
		if (pipe(ends) != 0)
			throw std::runtime_error("pipe");
		pid_ = fork();
		if (pid_ == 0) {
			(void)dup2(ends[1], STDOUT_FILENO);
			execl("/proc/self/exe", "test-cpp", "role", role, dir.c_str(), static_cast<char *>(nullptr));
			_exit(127);
		}
		(void)close(ends[1]);
		out_ = ends[0];
		line_ = next_line();
	}
	second_process(const second_process &) = delete;
	second_process &operator=(const second_process &) = delete;
	~second_process()
	{
		kill();
		(void)close(out_);
	}
	// The first line that it printed, and the next one.
	const std::string &line() const { return line_; }
	std::string next_line()
	{
		std::string line;
		for (char c = 0; read(out_, &c, 1) == 1 && c != '\n';)
			line += c;
		return line;
	}
	void kill()
	{
		if (pid_ > 0)
			(void)::kill(pid_, SIGKILL);
		(void)wait();
	}
	// Its exit code; -1 if it was killed.
	int wait()
	{
		int status = -1;
		if (pid_ > 0)
			(void)waitpid(pid_, &status, 0);
		pid_ = -1;
		return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}

private:
	pid_t pid_ = -1;
	int out_ = -1;
	std::string line_;
};

#endif

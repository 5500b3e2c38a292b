// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/vmsched: what it shows, a switch by writing a name, who may do it,
 * and that nobody who has a file open or writes keeps the module or meets it
 * half gone.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/file.h"
#include "lib/fixture.h"
#include "lib/unpriv.h"

#define LIMIT		120
#define ROOT		"/sys/kernel/vmsched/"
#define POOL		ROOT "pools/default/"
#define LONG_NAME	"a-name-that-is-longer-than-31-characters"
#define STORM_MS	8000
#define WRITE_EACH_US	20000

static bool reads(const char *path, const char *want)
{
	char text[256] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n >= 0 && !strcmp(text, want))
		return true;
	printf("# %s is '%s', not '%s'\n", path, text, want);
	return false;
}

TEST_F_TIMEOUT(vmsched, shows_and_switches, LIMIT)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) { .name = "spin" });
	char version[32], cpus[32];

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, module_param("vmsched", "../version", version,
				  sizeof(version)));
	strcat(version, "\n");
	EXPECT_TRUE(reads(ROOT "version", version));
	ASSERT_EQ(0, schedulers_remove_all());
	ASSERT_EQ(0, cli_do("sched load rr"));
	EXPECT_TRUE(reads(ROOT "schedulers", "native\nrr\n"));
	ASSERT_EQ(0, cli_do("sched load bvt"));
	EXPECT_TRUE(reads(ROOT "schedulers", "native\nrr\nbvt\n"));
	EXPECT_TRUE(reads(POOL "scheduler", "native\n"));
	EXPECT_TRUE(reads(POOL "activate", "table\n"));
	snprintf(cpus, sizeof(cpus), "0-%ld\n", sysconf(_SC_NPROCESSORS_CONF) - 1);
	EXPECT_TRUE(reads(POOL "cpus", cpus));

	EXPECT_EQ(0, file_write(POOL "scheduler", "rr\n"));
	EXPECT_TRUE(sched_is_active("rr"));
	EXPECT_TRUE(reads(POOL "scheduler", "rr\n"));
	EXPECT_TRUE(reads(POOL "previous", "native\n"));
	EXPECT_EQ(0, file_write(POOL "activate", "patch"));
	EXPECT_TRUE(reads(POOL "activate", "patch\n"));
	/* The way stays as it is */
	EXPECT_EQ(0, file_write(POOL "scheduler", "bvt"));
	EXPECT_TRUE(sched_is_active("bvt"));
	EXPECT_TRUE(reads(POOL "activate", "patch\n"));
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
	EXPECT_EQ(0, file_write(POOL "scheduler", "native"));
	EXPECT_EQ(0, file_write(POOL "activate", "table"));
}

TEST_F_TIMEOUT(vmsched, refusals_are_in_the_log, LIMIT)
{
	ASSERT_EQ(0, file_write(POOL "scheduler", "rr"));
	/* It tells one in five seconds: those of another test may be just before */
	clock_sleep_ms(5500);
	EXPECT_EQ(-ENOENT, file_write(POOL "scheduler", "nosuch"));
	EXPECT_TRUE(klog_has(&self->log, "switch to nosuch refused",
			     "no such scheduler"));
	EXPECT_EQ(-ENOENT, file_write(POOL "scheduler", "nosuch2"));
	EXPECT_FALSE(klog_has(&self->log, "switch to nosuch2", "refused"));
	EXPECT_EQ(-ENOENT, file_write(POOL "scheduler", "\n"));
	EXPECT_EQ(-ENOENT, file_write(POOL "scheduler", LONG_NAME));
	EXPECT_EQ(-EINVAL, file_write(POOL "activate", "somehow"));
	EXPECT_NE(0, file_write(POOL "cpus", "0"));
	EXPECT_TRUE(sched_is_active("rr"));
}

/* Exit status of a child that has lost @rights and writes */
static int write_without(int (*lose)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		int err = lose() ?: file_write(POOL "scheduler", "rr");

		_exit(-err);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int lose_one_capability(void)
{
	return unpriv_capabilities(~(1ULL << CAP_SYS_ADMIN) & ((1ULL << 38) - 1));
}

TEST_F_TIMEOUT(vmsched, administrators_only, LIMIT)
{
	struct stat st;

	EXPECT_EQ(EACCES, write_without(unpriv_user));
	EXPECT_EQ(EPERM, write_without(lose_one_capability));
	EXPECT_TRUE(sched_is_active("native"));
	ASSERT_EQ(0, stat(POOL "scheduler", &st));
	EXPECT_EQ(0644, st.st_mode & 0777);
	ASSERT_EQ(0, stat(POOL "previous", &st));
	EXPECT_EQ(0444, st.st_mode & 0777);
}

TEST_F_TIMEOUT(vmsched, open_files_keep_nothing, LIMIT)
{
	int fd = open(POOL "scheduler", O_RDWR | O_CLOEXEC);
	char text[32];

	ASSERT_GE(fd, 0);
	ASSERT_GT(read(fd, text, sizeof(text)), 0);
	ASSERT_EQ(0, vmsched_remove_all());
	EXPECT_EQ(-1, pread(fd, text, sizeof(text), 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, pwrite(fd, "rr", 2, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, access(ROOT, F_OK));
	/* Nor does it know the files of the next one */
	ASSERT_EQ(0, vmsched_ready());
	EXPECT_EQ(-1, pwrite(fd, "rr", 2, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_TRUE(sched_is_active("native"));
	close(fd);
}

/* Errors that a writer may meet when the modules go at that time */
static bool may_be(int err)
{
	return !err || err == -ENOENT || err == -ENODEV || err == -EBUSY ||
	       err == -ETIMEDOUT;
}

static int keep_writing(uint64_t end)
{
	static const char * const names[] = { "rr", "native", "bvt" };
	unsigned int i;
	int err;

	for (i = 0; clock_ns() < end; i++) {
		err = file_write(POOL "scheduler", names[i % 3]);
		if (!may_be(err)) {
			printf("# write %u: %s\n", i, strerror(-err));
			return 1;
		}
		reads(POOL "previous", "");
		usleep(WRITE_EACH_US);
	}
	return 0;
}

/* The modules are removed while others write, read and have VMs */
TEST_F_TIMEOUT(vmsched, removed_while_others_write, LIMIT)
{
	static const char * const modules[] = {
		"vmsched_rr", "vmsched_bvt", "vmsched",
	};
	char path[128];
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) { .name = "spin" });
	uint64_t end = clock_ns() + STORM_MS * NSEC_PER_MSEC;
	unsigned int i, removed = 0;
	pid_t pid[2];
	int status;

	ASSERT_NE(NULL, vm);
	/* What else there is would hold vmsched. */
	ASSERT_EQ(0, schedulers_remove_all());
	for (i = 0; i < 2; i++) {
		pid[i] = fork();
		ASSERT_GE(pid[i], 0);
		if (!pid[i]) {
			if (!freopen("/dev/null", "w", stdout))
				_exit(2);
			_exit(keep_writing(end));
		}
	}
	while (clock_ns() < end) {
		file_write(POOL "scheduler", "native");
		for (i = 0; i < ARRAY_SIZE(modules); i++)
			removed += !module_remove(modules[i]) && i == 2;
		for (i = ARRAY_SIZE(modules); i--;) {
			module_path(path, sizeof(path), modules[i]);
			module_insert(path);
		}
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	metric("removed", removed, "");
	EXPECT_GT(removed, 0);
	ASSERT_EQ(0, vmsched_ready());
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/*
 * For a Linux guest: requests to vmsched on the host, by /dev/vmsched-guest.
 *
 * KVM refuses hypercalls of programs (-KVM_EPERM), so they write here a request:
 * two numbers, VMSCHED_HC_* and its argument. What is read afterwards is RAX.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <uapi/linux/kvm_para.h>
#include <asm/kvm_para.h>

#include <linux/vmsched_guest.h>

struct request {
	__u64 nr;
	__s64 arg;
};

/* One request and its answer at a time for each open file. */
static ssize_t guest_write(struct file *file, const char __user *buf,
			   size_t len, loff_t *pos)
{
	struct request req;

	if (len != sizeof(req))
		return -EINVAL;
	if (copy_from_user(&req, buf, sizeof(req)))
		return -EFAULT;
	if (req.nr < VMSCHED_HC_BASE || req.nr >= VMSCHED_HC_END)
		return -EINVAL;
	file->private_data = (void *)kvm_hypercall1(req.nr, req.arg);
	return len;
}

static ssize_t guest_read(struct file *file, char __user *buf, size_t len,
			  loff_t *pos)
{
	__s64 rax = (long)file->private_data;

	if (len != sizeof(rax))
		return -EINVAL;
	return copy_to_user(buf, &rax, sizeof(rax)) ? -EFAULT : sizeof(rax);
}

/* Else the device itself is what is private. */
static int guest_open(struct inode *inode, struct file *file)
{
	file->private_data = (void *)-KVM_ENOSYS;
	return 0;
}

static const struct file_operations guest_fops = {
	.owner	= THIS_MODULE,
	.open	= guest_open,
	.read	= guest_read,
	.write	= guest_write,
};

static struct miscdevice guest_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "vmsched-guest",
	.fops	= &guest_fops,
	.mode	= 0600,
};

static int __init guest_init(void)
{
	return kvm_para_available() ? misc_register(&guest_device) : -ENODEV;
}

static void __exit guest_exit(void)
{
	misc_deregister(&guest_device);
}

module_init(guest_init);
module_exit(guest_exit);

MODULE_DESCRIPTION("Requests of a KVM guest to vmsched on its host");
MODULE_AUTHOR("The vmsched authors");
MODULE_LICENSE("GPL");

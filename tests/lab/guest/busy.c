// SPDX-License-Identifier: Apache-2.0
// busy.c - in the guest: `busy COUNT` keeps so many processors from ever being idle, behind
// whatever else wants them.
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int count, char** words) {
    if (count != 2 || atoi(words[1]) < 1) {
        fprintf(stderr, "usage: busy COUNT\n");
        return 2;
    }
    if (setpriority(PRIO_PROCESS, 0, 19) != 0) {
        perror("busy: setpriority");
        return 1;
    }
    for (int others = atoi(words[1]) - 1; others > 0; others--)
        if (fork() == 0)
            break;
    for (volatile unsigned long n = 0;; n++)
        continue;
}

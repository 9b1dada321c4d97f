/* SPDX-License-Identifier: MIT */
/*
 * The runstate area: a guest's own copy of its vcpu's runstate clock, written by the vcpu on its
 * kernel root.
 */
#pragma once

/*
 * Copy the current vcpu's runstate clock to the area its guest has registered, if any: at
 * switch-out (before its root goes), at switch-in, at registration. An area that cannot be written
 * is left alone.
 */
void runstate_publish(void);

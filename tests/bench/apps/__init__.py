"""The servers that bossgen is measured beside, each as small as its documentation has it."""

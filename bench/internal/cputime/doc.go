// Package cputime reads how long this process has been on a processor.
package cputime

package main

import (
	"fmt"
	"strings"

	"github.com/ringcast/ringcast/internal/flagerror"
	"github.com/spf13/cobra"
)

// helpWidth is how wide help is, in columns.
const helpWidth = 100

// dress breaks long lines of help, refuses help for what is not there, and words what is wrong with flags.
func dress(cmd *cobra.Command) {
	cmd.SetUsageTemplate(strings.ReplaceAll(cmd.UsageTemplate(), ".FlagUsages", fmt.Sprint(".FlagUsagesWrapped ", helpWidth)))
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.InitDefaultHelpFlag() // now: the parser looks for a command before it makes them, and takes what follows for their values
	cmd.InitDefaultVersionFlag()
	cmd.SetHelpCommand(helpCommand())
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%s", flagerror.Text(err)) })
}

// helpCommand is help as a command; cobra's own takes any words, and succeeds.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "show the help of a command", Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return usage("help %s: there is no command %q of %s", strings.Join(args, " "), rest[0], asked.CommandPath())
			}
			return asked.Help()
		},
	}
}

// addGroup adds commands under a title of their own.
func addGroup(cmd *cobra.Command, title string, list ...*cobra.Command) {
	cmd.AddGroup(&cobra.Group{ID: title, Title: title + ":"})
	for _, one := range list {
		one.GroupID = title
		cmd.AddCommand(one)
	}
}

// otherNames are what people try first; the error of an unknown command then names ours.
func otherNames(cmd *cobra.Command, names ...string) *cobra.Command {
	cmd.SuggestFor = names
	return cmd
}

// arguments takes least to most arguments. Where it is not that many it says what they are.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		form := strings.TrimSuffix(strings.TrimPrefix(cmd.UseLine(), cmd.Root().Name()+" "), " [flags]")
		if len(args) < least {
			return usage("%s: an argument is missing", form)
		}
		if len(args) > most && most == 0 {
			return usage("%s: %q is an argument too many, there are none", form, args[0])
		}
		if len(args) > most {
			return usage("%s: %q is one argument too many; quote what has spaces, and patterns", form, args[most])
		}
		return nil
	}
}

// sentence makes one of what a list of commands says of a command.
func sentence(short string) string { return strings.ToUpper(short[:1]) + short[1:] + "." }

// helpFor says where the flags of a command stand.
func helpFor(cmd *cobra.Command) string {
	if cmd.Name() == "help" {
		cmd = cmd.Root()
	}
	return fmt.Sprintf("Run %s --help for the flags, with examples.", cmd.CommandPath())
}

"""Acting: the one way in which a page does something: with a reason, in the audit topic first, as a command would."""

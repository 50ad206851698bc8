"""What each sender's JSON means, as changes and security events: one module a sender, none does any I/O.

Structs name the fields that are read; unknown ones are tolerated, as senders add some with every release, and ``null``
wherever one may be missing. A body that is another thing altogether is an ``InputError`` with a sentence.
"""

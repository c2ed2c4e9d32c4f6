"""What a deployment keeps: project folders, the files people edit, the inbox, blocks of finished work and snapshots.

One module a kind of thing kept. How documents are read is in `readers`; what the values mean is in `domain`.
"""
